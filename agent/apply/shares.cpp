#include "agent/apply/shares.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "agent/plan/planner.h"
#include "common/error.h"

namespace hivemind::agent {
namespace {

using nlohmann::json;

const std::string& base_of(const ContainerContext& container, const std::string& service) {
  const auto found = container.bases.find(service);
  if (found == container.bases.end())
    throw Error(ErrorCode::kInternal, "the container of service '{}' is not known", service);
  return found->second;
}

json endpoint_of(const DesiredEndpoint& endpoint) {
  if (endpoint.engine_body.empty()) return json::object();
  json settings = json::parse(endpoint.engine_body);
  if (!settings.is_object()) throw Error(ErrorCode::kInvalid, "the endpoint's body is no JSON object");
  return settings;
}

// From API 1.52 on, a container has no address but those of its endpoints, also on the engine's own bridge.
void move_address(json& body) {
  const auto address = body.find("MacAddress");
  const auto host = body.find("HostConfig");
  if (address == body.end() || host == body.end()) return;
  const std::string mode = host->value("NetworkMode", "");
  if (mode != "bridge" && mode != "default") return;
  body["NetworkingConfig"]["EndpointsConfig"][mode]["MacAddress"] = *address;
  body.erase("MacAddress");
}

}  // namespace

// Before API 1.44 an address of the first endpoint is the container's, and other endpoints have none.
void add_networks(json& body, const ContainerContext& container) {
  if (!container.service.network_of.empty()) return;
  const auto& endpoints = container.service.endpoints;
  const bool many = container.engine_api >= kManyEndpoints;
  if (many && endpoints.empty()) move_address(body);
  const std::size_t count = many ? endpoints.size() : std::min<std::size_t>(endpoints.size(), 1);
  for (std::size_t i = 0; i < count; ++i) {
    json settings = endpoint_of(endpoints[i]);
    const auto address = settings.find("MacAddress");
    if (!many && address != settings.end()) {
      body["MacAddress"] = *address;
      settings.erase(address);
    }
    body["NetworkingConfig"]["EndpointsConfig"][endpoints[i].network] = std::move(settings);
  }
}

void add_bases(json& body, const ContainerContext& container) {
  const DesiredService& service = container.service;
  if (container.bases.empty() && service.volumes_from.empty()) return;
  json& host = body["HostConfig"];
  if (host.is_null()) host = json::object();
  const auto join = [&](const char* key, const std::string& of) {
    if (!of.empty()) host[key] = "container:" + base_of(container, of);
  };
  join("NetworkMode", service.network_of);
  join("PidMode", service.pid_of);
  join("IpcMode", service.ipc_of);
  for (const VolumesFrom& from : service.volumes_from) {
    const std::string whose = from.service.empty() ? from.container : base_of(container, from.service);
    host["VolumesFrom"].push_back(whose + (from.access == Access::kReadOnly ? ":ro" : ""));
  }
}

}  // namespace hivemind::agent
