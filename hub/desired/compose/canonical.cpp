#include "hub/desired/compose/canonical.h"

#include <nlohmann/json.hpp>

#include "common/digest.h"
#include "common/error.h"

namespace hivemind::hub::compose {
namespace {

using nlohmann::json;

// Part of what is hashed: a change of what follows must be a change of the prefix, which replaces every
// container once.
constexpr const char* kServicePrefix = "hivemind service 1\n";
constexpr const char* kNetworkPrefix = "hivemind network 1\n";
constexpr const char* kVolumePrefix = "hivemind volume 1\n";
constexpr const char* kReleasePrefix = "hivemind release 1\n";

json file_mount_json(const v1::FileMount& mount) {
  json entries = json::array();
  for (const v1::FileEntry& entry : mount.entries()) {
    json one{{"path", entry.path()}, {"mode", entry.mode()}};
    if (entry.secret().empty()) {
      one["sha256"] = entry.sha256();
    } else {
      one["secret"] = entry.secret();  // which says as little of the value as it says much of its changes
    }
    if (entry.has_uid()) one["uid"] = entry.uid();
    if (entry.has_gid()) one["gid"] = entry.gid();
    entries.push_back(std::move(one));
  }
  json all{{"target", mount.target()}, {"read_only", mount.read_only()}, {"source", mount.source()},
           {"single", mount.single()}, {"options", mount.options()},     {"entries", std::move(entries)}};
  // Where the content is on the node is part of what the container is.
  if (!mount.entries().empty() && (!mount.read_only() || mount.shared())) all["seeded"] = true;
  return all;
}

template <typename T>
json hooks_json(const T& hooks) {
  json all = json::array();
  for (const v1::Hook& hook : hooks) {
    all.push_back(
        {{"command", std::vector<std::string>(hook.command().begin(), hook.command().end())},
         {"user", hook.user()},
         {"privileged", hook.privileged()},
         {"working_dir", hook.working_dir()},
         {"environment", std::vector<std::string>(hook.environment().begin(), hook.environment().end())}});
  }
  return all;
}

json container_json(const v1::Service& service) {
  json endpoints = json::array();
  for (const v1::Endpoint& endpoint : service.endpoints()) {
    endpoints.push_back({{"network", endpoint.network()}, {"body", endpoint.engine_body()}});
  }
  json mounts = json::array();
  for (const v1::FileMount& mount : service.file_mounts()) mounts.push_back(file_mount_json(mount));
  json all = {{"name", service.name()},
              {"image", service.image()},
              {"platform", service.platform()},
              {"body", service.engine_body()},
              {"container_name", service.container_name()},
              {"network_of", service.network_of()},
              {"endpoints", std::move(endpoints)},
              {"file_mounts", std::move(mounts)}};
  // Only where there are any: without them a hash is what it was before there could be.
  for (const v1::VolumesFrom& from : service.volumes_from()) {
    all["volumes_from"].push_back(
        {{"service", from.service()}, {"container", from.container()}, {"read_only", from.read_only()}});
  }
  if (!service.pid_of().empty()) all["pid_of"] = service.pid_of();
  if (!service.ipc_of().empty()) all["ipc_of"] = service.ipc_of();
  if (service.post_start_size() > 0) all["post_start"] = hooks_json(service.post_start());
  if (service.pre_stop_size() > 0) all["pre_stop"] = hooks_json(service.pre_stop());
  return all;
}

// A service that says nothing of its soak time has this: its release's digest is what it was before there
// were any.
constexpr std::int64_t kUnsaidSoakMs = 10'000;

json service_json(const v1::Service& service) {
  json dependencies = json::array();
  for (const v1::Dependency& dependency : service.depends_on()) {
    dependencies.push_back({{"service", dependency.service()},
                            {"condition", static_cast<int>(dependency.condition())},
                            {"required", dependency.required()},
                            {"restart", dependency.restart()}});
  }
  json all = container_json(service);
  all["pull_policy"] = static_cast<int>(service.pull_policy());
  all["pull_every_s"] = service.pull_every_s();
  all["replicas"] = service.replicas();
  all["update_order"] = static_cast<int>(service.update_order());
  all["depends_on"] = std::move(dependencies);
  if (service.soak_ms() != kUnsaidSoakMs) all["soak_ms"] = service.soak_ms();
  return all;
}

template <typename T>
json resource_json(const T& resource) {
  return {{"key", resource.key()},
          {"name", resource.name()},
          {"external", resource.external()},
          {"body", resource.engine_body()}};
}

json window_json(const v1::Window& window) {
  json spans = json::array();
  for (const v1::Window::Span& span : window.spans())
    spans.push_back({span.days(), span.from_minute(), span.to_minute()});
  return {{"spans", std::move(spans)},
          {"timezone", window.timezone()},
          {"posix_tz", window.posix_tz()},
          {"text", window.text()}};
}

std::string hash(const char* prefix, const json& content) {
  return sha256_hex(prefix + canonical_text(content));
}

}  // namespace

std::string canonical_text(const json& value) {
  try {
    return value.dump();
  } catch (const json::exception&) {
    throw Error(ErrorCode::kInvalid, "text is not UTF-8");
  }
}

std::string config_hash(const v1::Service& service) {
  return hash(kServicePrefix, container_json(service));
}
std::string config_hash(const v1::Network& network) {
  return hash(kNetworkPrefix, resource_json(network));
}
std::string config_hash(const v1::Volume& volume) {
  return hash(kVolumePrefix, resource_json(volume));
}

std::string release_digest(const v1::Release& release) {
  json services = json::array();
  for (const v1::Service& service : release.services()) services.push_back(service_json(service));
  json networks = json::array();
  for (const v1::Network& network : release.networks()) networks.push_back(resource_json(network));
  json volumes = json::array();
  for (const v1::Volume& volume : release.volumes()) volumes.push_back(resource_json(volume));
  json all = {{"stack", release.stack()},
              {"engine_api", release.engine_api()},
              {"services", std::move(services)},
              {"networks", std::move(networks)},
              {"volumes", std::move(volumes)}};
  if (!release.pre().empty()) all["pre"] = release.pre();
  if (!release.post().empty()) all["post"] = release.post();
  if (release.has_window()) all["window"] = window_json(release.window());
  return "sha256:" + hash(kReleasePrefix, all);
}

}  // namespace hivemind::hub::compose
