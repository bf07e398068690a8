#include "hub/desired/compose/project.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "common/ids.h"
#include "hub/desired/compose/fields.h"
#include "hub/desired/compose/keys/own.h"
#include "hub/desired/compose/keys/registry.h"
#include "hub/desired/compose/resources.h"

namespace hivemind::hub::compose {
namespace {

struct TopLevel {
  const std::string& stack;
  const Environment& environment;
  const Options& options;
  std::set<std::string> jobs;  // services that run for an update, whatever their profiles
  Project project;
};

// Asked for only when a service has profiles: a variable that is read is part of the release's environment.
bool is_active(const std::vector<Text>& profiles, const TopLevel& top) {
  if (profiles.empty()) return true;
  std::string active = "," + top.environment.get("COMPOSE_PROFILES").value_or("") + ",";
  for (const std::string& profile : top.options.profiles) active += profile + ",";
  return active.find(",*,") != std::string::npos || std::ranges::any_of(profiles, [&](const Text& profile) {
           return active.find("," + profile.value + ",") != std::string::npos;
         });
}

void read_one_service(const yaml::Node& key, const yaml::Node& value, TopLevel& top, Reader& reader) {
  const std::string& name = key.scalar;
  if (!is_compose_key(name)) {
    reader.error(key.location, "compose.invalid-name", fmt::format("service name '{}' is not valid", name),
                 "use at most 63 of a-z, A-Z, 0-9, '.', '_' and '-'");
    return;
  }
  {
    const Reader::Scope scope = reader.in_key(name);
    if (!reader.is_map(value)) return;
  }
  const Reader::Scope scope = reader.in_service(name);
  const yaml::Node* profiles = value.find("profiles");
  if (profiles != nullptr && !profiles->is_null()) {
    const Reader::Scope in_profiles = reader.in_key("profiles");
    if (!is_active(reader.texts(*profiles), top) && !top.jobs.contains(name)) {
      top.project.inactive[name] = key.location;
      return;
    }
  }
  Service service;
  service.name = name;
  service.location = key.location;
  read_service(value, service, reader);
  top.project.services.emplace(name, std::move(service));
}

void read_services(const yaml::Node& node, TopLevel& top, Reader& reader) {
  if (!reader.is_map(node)) return;
  for (const auto& [key, value] : node.members) {
    read_one_service(key, value, top, reader);
  }
}

// The stack's name is the project's: it names what runs on the nodes, and two stacks must not share it.
void read_name(const yaml::Node& node, TopLevel& top, Reader& reader) {
  const auto name = reader.text(node);
  if (!name || *name == top.stack) return;
  reader.warning(node.location, "compose.project-name",
                 fmt::format("project name '{}' is ignored: the stack is named '{}'", *name, top.stack),
                 "remove 'name', or make it the same");
}

void read_version(const yaml::Node& node, TopLevel&, Reader& reader) {
  reader.text(node);
}

void read_networks(const yaml::Node& node, TopLevel& top, Reader& reader) {
  top.project.networks = read_network_map(node, top.stack, reader);
}
void read_volumes(const yaml::Node& node, TopLevel& top, Reader& reader) {
  top.project.volumes = read_volume_map(node, top.stack, reader);
}
void read_configs(const yaml::Node& node, TopLevel& top, Reader& reader) {
  top.project.configs = read_config_map(node, top.stack, top.environment, reader);
}
void read_secrets(const yaml::Node& node, TopLevel& top, Reader& reader) {
  top.project.secrets = read_secret_map(node, top.stack, top.environment, reader);
}

void read_own(const yaml::Node& node, TopLevel& top, Reader& reader) {
  top.project.update = read_update(node, reader);
}

constexpr Field<TopLevel> kFields[] = {{"name", read_name},
                                       {"version", read_version, Null::kRefused, "it is obsolete; remove it"},
                                       {"services", read_services, Null::kRefused, {}, service_keys},
                                       {"networks", read_networks, Null::kRefused, {}, network_keys},
                                       {"volumes", read_volumes, Null::kRefused, {}, volume_keys},
                                       {"configs", read_configs, Null::kRefused, {}, config_keys},
                                       {"secrets", read_secrets, Null::kRefused, {}, secret_keys},
                                       {"x-hivemind", read_own, Null::kRefused, {}, update_keys}};

std::vector<KnownKey> include_keys() {
  return {{"path"}, {"project_directory"}, {"env_file"}};
}
constexpr UnreadKey kUnread[] = {
    {"include", Unread::kSilent, {}, include_keys},  // assemble.h has dealt with it
    {"models", Unread::kRefused, "run the model in a service of its own"}};

// The network 'default' exists only where a service is on it.
void join_default_network(TopLevel& top) {
  for (auto& [name, service] : top.project.services) {
    NetworkUses& uses = service.networks;
    if (uses.networks.empty() && uses.mode.value.empty() && !service.is_provided()) {
      uses.networks.emplace_back().network = {"default", service.location};
    }
    const bool joins = std::ranges::any_of(
        uses.networks, [](const NetworkUse& use) { return use.network.value == "default"; });
    if (!joins) continue;
    Network& network = top.project.networks["default"];
    if (!network.name.empty()) continue;
    network.key = "default";
    network.name = top.stack + "_default";
  }
}

}  // namespace

bool Service::is_provided() const {
  return std::ranges::any_of(
      passed_on, [](const auto& one) { return one.first.size() == 1 && one.first.front() == "provider"; });
}

std::vector<KnownKey> document_keys() {
  return members_of<kFields, kUnread>();
}

Project read_project(const yaml::Node& document, const std::string& stack, const Environment& environment,
                     const Options& options, Reader& reader) {
  TopLevel top{stack, environment, options, job_names(document), {}};
  if (!document.is_map()) {
    reader.error(document.location, "compose.wrong-type",
                 "a Compose file must be a map with 'services', found " + document.describe());
    return {};
  }
  read_fields(document, kFields, kUnread, top, reader);
  const yaml::Node* services = document.find("services");
  if (services == nullptr || services->is_null()) {
    reader.error(document.location, "compose.no-services", "the stack has no 'services'");
  }
  join_default_network(top);
  top.project.name = stack;
  for (const auto& [key, value] : document.members) {
    if (is_extension(key)) top.project.extensions.emplace_back(key.scalar, value);
  }
  return std::move(top.project);
}

}  // namespace hivemind::hub::compose
