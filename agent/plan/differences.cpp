#include "agent/plan/differences.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace hivemind::agent {
namespace {

using nlohmann::json;

std::string option_text(const json& options, const std::string& key) {
  const auto found = options.find(key);
  if (found == options.end()) return "absent";
  return found->is_string() ? "'" + found->get<std::string>() + "'" : found->dump();
}

}  // namespace

std::string volume_difference(const DesiredVolume& wanted, const EngineVolume& there) {
  const json body =
      wanted.engine_body.empty() ? json::object() : json::parse(wanted.engine_body, nullptr, false);
  if (!body.is_object()) return {};  // making it would say so
  const auto driver_there = there.driver.empty() ? "local" : there.driver;
  std::string driver = body.contains("Driver") && body["Driver"].is_string() ? body["Driver"] : "";
  if (driver.empty()) driver = "local";
  const std::string what = fmt::format("volume '{}' stays as it is:", wanted.name);
  if (driver != driver_there)
    return fmt::format("{} its driver is '{}', '{}' is wanted", what, driver_there, driver);
  const json options =
      body.contains("DriverOpts") && body["DriverOpts"].is_object() ? body["DriverOpts"] : json::object();
  const json known(there.options);
  json all = known.is_object() ? known : json::object();
  all.update(options);
  for (const auto& [key, value] : all.items()) {
    const std::string has = option_text(known.is_object() ? known : json::object(), key);
    const std::string wants = option_text(options, key);
    if (has != wants) return fmt::format("{} its option '{}' is {}, {} is wanted", what, key, has, wants);
  }
  return {};
}

std::string why_stop_first(const DesiredService& service) {
  if (!service.facts.ports.empty()) return "its ports of the node are fixed";
  if (service.facts.host_network) return "it uses the network of the node";
  const bool fixed = std::ranges::any_of(service.endpoints, &DesiredEndpoint::fixed_address);
  return fixed ? "its address is fixed" : "";
}

}  // namespace hivemind::agent
