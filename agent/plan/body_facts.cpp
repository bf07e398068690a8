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
    return {number(member(host, "Memory")), number(member(host, "NanoCpus")),
            restart_policy(member(host, "RestartPolicy")), publishes(host), volumes(host)};
  } catch (const json::exception& error) {
    throw Error(ErrorCode::kInvalid, "the engine body is not what it should be: {}", error.what());
  }
}

}  // namespace hivemind::agent
