#include "hub/desired/compose/print.h"

#include <filesystem>
#include <set>

#include "hub/desired/compose/keys/family.h"
#include "hub/desired/compose/keys/registry.h"

namespace hivemind::hub::compose {
namespace {

using nlohmann::json;

json print_pool(const IpamPool& pool) {
  json into = json::object();
  put(into, "subnet", pool.subnet);
  put(into, "gateway", pool.gateway);
  put(into, "ip_range", pool.ip_range);
  put(into, "aux_addresses", pool.auxiliary);
  return into;
}

// The reference leaves 'options' out, though it hands them to the engine.
json print_ipam(const Network& network) {
  json into = json::object();
  put(into, "driver", network.ipam_driver);
  for (const IpamPool& pool : network.ipam_pools) into["config"].push_back(print_pool(pool));
  return into;
}

json print(const Network& network, const Project&) {
  json into = {{"name", network.name}, {"ipam", print_ipam(network)}};
  put(into, "driver", network.driver);
  put(into, "driver_opts", network.driver_opts);
  put(into, "labels", network.labels);
  put(into, "enable_ipv4", network.enable_ipv4);
  put(into, "enable_ipv6", network.enable_ipv6);
  if (network.external) into["external"] = true;
  if (network.internal) into["internal"] = true;
  if (network.attachable) into["attachable"] = true;
  return into;
}

json print(const Volume& volume, const Project& project) {
  json into = {{"name", volume.name}};
  put(into, "driver", volume.driver);
  put(into, "driver_opts", volume.driver_opts);
  if (volume.binds_relative_path())
    into["driver_opts"]["device"] = project.printed_path(volume.driver_opts.at("device"));
  put(into, "labels", volume.labels);
  if (volume.external) into["external"] = true;
  return into;
}

json print(const Config& config, const Project& project) {
  json into = {{"name", config.name}};
  if (!config.file.value.empty()) into["file"] = project.printed_path(config.file.value);
  put(into, "environment", config.environment);
  if (config.environment.empty()) put(into, "content", config.content.value_or(""));
  put(into, "driver", config.driver);
  put(into, "driver_opts", config.driver_opts);
  put(into, "template_driver", config.template_driver);
  put(into, "labels", config.labels);
  if (config.external) into["external"] = true;
  return into;
}

// Keys of what services use, per kind.
struct InUse {
  std::set<std::string> networks, volumes, configs, secrets;
};

InUse in_use(const Project& project) {
  InUse used;
  for (const auto& [name, service] : project.services) {
    for (const NetworkUse& use : service.networks.networks) used.networks.insert(use.network.value);
    for (const ConfigUse& use : service.mounts.configs) used.configs.insert(use.source.value);
    for (const ConfigUse& use : service.mounts.secrets) used.secrets.insert(use.source.value);
    for (const std::string& secret : build_secrets(service)) used.secrets.insert(secret);
    for (const Mount& mount : service.mounts.mounts) {
      if (mount.kind == MountKind::kVolume) used.volumes.insert(mount.source);
    }
  }
  return used;
}

template <typename T>
void print_used(const char* key, const std::map<std::string, T>& all, const std::set<std::string>& used,
                const Project& project, json& into) {
  for (const auto& [name, one] : all) {
    if (used.contains(name)) into[key][name] = print(one, project);
  }
}

}  // namespace

std::string Project::printed_path(const std::string& path) const {
  if (path.starts_with("~") && !home.empty()) return home + path.substr(1);
  if (directory.empty()) return path;
  std::string text = (std::filesystem::path(directory) / path).lexically_normal().string();
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

json print_node(const yaml::Node& node) {
  if (node.is_null()) return nullptr;
  if (node.is_map()) {
    json into = json::object();
    for (const auto& [key, value] : node.members) into[key.scalar] = print_node(value);
    return into;
  }
  if (node.is_sequence()) {
    json into = json::array();
    for (const yaml::Node& item : node.items) into.push_back(print_node(item));
    return into;
  }
  switch (node.type()) {
    case yaml::Type::kBool:
      return node.as_bool().value_or(false);
    case yaml::Type::kInteger:
      if (const auto value = node.as_integer()) return *value;
      return node.scalar;
    case yaml::Type::kFloat:
      if (const auto value = node.as_float()) return *value;
      return node.scalar;
    default:
      return node.scalar;
  }
}

json dollars_doubled(const json& from) {
  const auto doubled = [](const std::string& text) {
    std::string result;
    for (const char c : text) result.append(c == '$' ? 2 : 1, c);
    return result;
  };
  if (from.is_string()) return doubled(from.get_ref<const std::string&>());
  if (!from.is_structured()) return from;
  json into = from.is_array() ? json::array() : json::object();
  for (const auto& [key, value] : from.items()) {
    if (from.is_array()) {
      into.push_back(dollars_doubled(value));
    } else {
      into[doubled(key)] = dollars_doubled(value);
    }
  }
  return into;
}

json print_project(const Project& project, const Environment& environment) {
  json into = {{"name", project.name}, {"services", json::object()}};
  for (const auto& [name, service] : project.services) {
    json one = print_service(service, project);
    print_passed_on(service, project, environment, one);
    into["services"][name] = std::move(one);
  }
  const InUse used = in_use(project);
  print_used("networks", project.networks, used.networks, project, into);
  print_used("volumes", project.volumes, used.volumes, project, into);
  print_used("configs", project.configs, used.configs, project, into);
  print_used("secrets", project.secrets, used.secrets, project, into);
  for (const auto& [key, value] : project.extensions) into[key] = print_node(value);
  return dollars_doubled(into);
}

}  // namespace hivemind::hub::compose
