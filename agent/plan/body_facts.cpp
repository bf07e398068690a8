#include "agent/plan/body_facts.h"

#include <nlohmann/json.hpp>

#include "common/error.h"

namespace hivemind::agent {
namespace {

using nlohmann::json;

const json& member(const json& object, const char* key) {
  static const json kAbsent;
  const auto found = object.find(key);
  return found == object.end() ? kAbsent : *found;
}

std::int64_t number(const json& value) {
  return value.is_null() ? 0 : value.get<std::int64_t>();
}

std::string restart_policy(const json& policy) {
  if (!policy.is_object()) return "no";
  std::string name = policy.value("Name", "");
  if (name.empty()) return "no";
  const int count = policy.value("MaximumRetryCount", 0);
  return count > 0 ? fmt::format("{}:{}", name, count) : name;
}

bool publishes(const json& host) {
  const json& bindings = member(host, "PortBindings");
  const json& mode = member(host, "NetworkMode");
  return (bindings.is_object() && !bindings.empty()) || (mode.is_string() && mode == "host");
}

std::vector<HostPorts> ports(const json& host) {
  std::vector<HostPorts> found;
  const json& bindings = member(host, "PortBindings");
  if (!bindings.is_object()) return found;
  for (const auto& [port, list] : bindings.items()) {
    for (const json& binding : list) {
      if (auto held = host_ports_of(port, binding.value("HostIp", ""), binding.value("HostPort", "")))
        found.push_back(std::move(*held));
    }
  }
  return found;
}

std::vector<std::string> volumes(const json& host) {
  std::vector<std::string> names;
  for (const json& bind : member(host, "Binds")) {
    const std::string text = bind.get<std::string>();
    if (!text.starts_with('/')) names.push_back(text.substr(0, text.find(':')));
  }
  for (const json& mount : member(host, "Mounts")) {
    if (mount.value("Type", "") == "volume" && !mount.value("Source", "").empty())
      names.push_back(mount.value("Source", ""));
  }
  return names;
}

}  // namespace

BodyFacts body_facts(std::string_view engine_body) {
  try {
    const json body = json::parse(engine_body);
    if (!body.is_object()) throw Error(ErrorCode::kInvalid, "the engine body is no JSON object");
    const json& host = member(body, "HostConfig");
    if (host.is_null()) return {};
    const json& mode = member(host, "NetworkMode");
    return {.memory = number(member(host, "Memory")),
            .nano_cpus = number(member(host, "NanoCpus")),
            .restart_policy = restart_policy(member(host, "RestartPolicy")),
            .publishes = publishes(host),
            .host_network = mode.is_string() && mode == "host",
            .ports = ports(host),
            .volumes = volumes(host)};
  } catch (const json::exception& error) {
    throw Error(ErrorCode::kInvalid, "the engine body is not what it should be: {}", error.what());
  }
}

bool has_fixed_address(std::string_view endpoint_body) {
  if (endpoint_body.empty()) return false;
  try {
    const json endpoint = json::parse(endpoint_body);
    if (!endpoint.is_object()) throw Error(ErrorCode::kInvalid, "the endpoint's body is no JSON object");
    const json& addresses = member(endpoint, "IPAMConfig");
    if (!endpoint.value("MacAddress", "").empty()) return true;
    return addresses.is_object() &&
           (!addresses.value("IPv4Address", "").empty() || !addresses.value("IPv6Address", "").empty());
  } catch (const json::exception& error) {
    throw Error(ErrorCode::kInvalid, "the endpoint's body is not what it should be: {}", error.what());
  }
}

}  // namespace hivemind::agent
