#include "hub/desired/compose/keys/registry.h"

#include <array>

#include "hub/desired/compose/keys/development.h"

namespace hivemind::hub::compose {
namespace {

// In the order in which they write into the body.
constexpr std::array kFamilies{
    &kImage,   &kProcess,   &kEnvironment, &kPorts,          &kMounts, &kConfigs, &kVolumesFrom, &kNetworks,
    &kLinks,   &kDependsOn, &kHealthcheck, &kLifecycle,      &kHooks,  &kLabels,  &kHosts,       &kSecurity,
    &kDevices, &kResources, &kBlockIo,     &kDeviceRequests, &kDeploy, &kLogging, &kOwn};

std::vector<KnownKey> extends_keys() {
  return {{"file"}, {"service"}};
}

// project.h has dealt with them.
void check_profiles(const yaml::Node& node, Reader& reader) {
  if (node.is_null()) reader.is_sequence(node);
}

// Keys of the specification that no family reads.
constexpr UnreadKey kUnread[] = {
    {"profiles", Unread::kSilent, {}, nullptr, check_profiles},
    {"extends", Unread::kSilent, {}, extends_keys},  // assemble.h has
    {"attach", Unread::kIgnored, "it is about the output of 'docker compose up'", nullptr, check_attach},
    {"develop", Unread::kIgnored, "nodes build nothing", nullptr, check_develop},
    {"credential_spec", Unread::kRefused, "only engines on Windows have such accounts; remove it"},
    {"models", Unread::kRefused, "run the model in a service of its own"},
    {"provider", Unread::kRefused, "it is a program on the machine of 'docker compose'; nodes have none"},
};

std::vector<Field<Service>> all_fields() {
  std::vector<Field<Service>> all;
  for (const Family* family : kFamilies) all.insert(all.end(), family->fields.begin(), family->fields.end());
  return all;
}

}  // namespace

void read_service(const yaml::Node& node, Service& service, Reader& reader) {
  const std::vector<Field<Service>> fields = all_fields();
  reader.keep_passed_on();
  read_fields<Service>(node, fields, kUnread, service, reader);
  service.passed_on = reader.keep_passed_on();
}

std::vector<KnownKey> service_keys() {
  std::vector<KnownKey> all;
  for (const Family* family : kFamilies) list_keys(family->fields, all);
  list_keys(kUnread, all);
  std::ranges::sort(all, {}, &KnownKey::key);
  return all;
}

EngineBody emit_service(const Service& service, const Project& project) {
  EngineBody body;
  for (const Family* family : kFamilies) family->emit(service, project, body);
  if (!body.host.empty()) body.config["HostConfig"] = std::move(body.host);
  return body;
}

nlohmann::json print_service(const Service& service, const Project& project) {
  nlohmann::json into = nlohmann::json::object();
  for (const Family* family : kFamilies) {
    if (family->print != nullptr) family->print(service, project, into);
  }
  return into;
}

}  // namespace hivemind::hub::compose
