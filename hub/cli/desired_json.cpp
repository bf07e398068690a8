#include "hub/cli/desired_json.h"

#include <fmt/format.h>

namespace hivemind::hub::cli {
namespace {

std::string_view to_text(v1::PullPolicy policy) {
  switch (policy) {
    case v1::PULL_POLICY_ALWAYS:
      return "always";
    case v1::PULL_POLICY_NEVER:
      return "never";
    default:
      return "missing";
  }
}

std::string_view to_text(v1::Dependency::Condition condition) {
  switch (condition) {
    case v1::Dependency::HEALTHY:
      return "service_healthy";
    case v1::Dependency::COMPLETED:
      return "service_completed_successfully";
    default:
      return "service_started";
  }
}

void put(Json& object, const char* key, const std::string& text) {
  if (!text.empty()) object[key] = text;
}

void put(Json& object, const char* key, const Json& list) {
  if (!list.empty()) object[key] = list;
}

// The compiler writes these bodies; one that does not parse is shown as the text that it is.
Json body_json(const std::string& bytes) {
  Json body = Json::parse(bytes, nullptr, false);
  return body.is_discarded() ? Json(bytes) : body;
}

Json dependencies_json(const v1::Service& service) {
  Json list = Json::array();
  for (const auto& dependency : service.depends_on()) {
    list.push_back({{"service", dependency.service()},
                    {"condition", to_text(dependency.condition())},
                    {"required", dependency.required()}});
  }
  return list;
}

Json endpoints_json(const v1::Service& service) {
  Json list = Json::array();
  for (const auto& endpoint : service.endpoints()) {
    list.push_back({{"network", endpoint.network()}, {"engine_body", body_json(endpoint.engine_body())}});
  }
  return list;
}

Json mounts_json(const v1::Service& service) {
  Json list = Json::array();
  for (const auto& mount : service.file_mounts()) {
    Json entries = Json::array();
    for (const auto& entry : mount.entries()) {
      Json one{{"path", entry.path()}, {"mode", fmt::format("{:04o}", entry.mode())}};
      put(one, "sha256", entry.sha256());
      put(one, "secret", entry.secret());
      if (entry.has_uid()) one["uid"] = entry.uid();
      if (entry.has_gid()) one["gid"] = entry.gid();
      entries.push_back(std::move(one));
    }
    Json object{{"target", mount.target()},
                {"source", mount.source()},
                {"read_only", mount.read_only()},
                {"single", mount.single()},
                {"entries", entries}};
    if (mount.shared()) object["shared"] = true;
    put(object, "options", mount.options());
    list.push_back(object);
  }
  return list;
}

Json service_json(const v1::Service& service) {
  Json object{{"name", service.name()},
              {"image", service.image()},
              {"config_hash", service.config_hash()},
              {"pull_policy", to_text(service.pull_policy())},
              {"replicas", service.replicas()}};
  put(object, "platform", service.platform());
  put(object, "container_name", service.container_name());
  put(object, "network_of", service.network_of());
  object["engine_body"] = body_json(service.engine_body());
  put(object, "depends_on", dependencies_json(service));
  put(object, "endpoints", endpoints_json(service));
  put(object, "file_mounts", mounts_json(service));
  put(object, "secrets", Json(std::vector<std::string>(service.secrets().begin(), service.secrets().end())));
  return object;
}

template <typename Thing>  // Network or Volume
Json things_json(const google::protobuf::RepeatedPtrField<Thing>& things) {
  Json list = Json::array();
  for (const Thing& thing : things) {
    Json object{{"key", thing.key()}, {"name", thing.name()}, {"external", thing.external()}};
    if (!thing.external()) {
      object["config_hash"] = thing.config_hash();
      object["engine_body"] = body_json(thing.engine_body());
    }
    list.push_back(object);
  }
  return list;
}

}  // namespace

Json release_json(const v1::Release& release) {
  Json services = Json::array();
  for (const auto& service : release.services()) services.push_back(service_json(service));
  return {{"stack", release.stack()},
          {"digest", release.digest()},
          {"engine_api", release.engine_api()},
          {"services", services},
          {"networks", things_json(release.networks())},
          {"volumes", things_json(release.volumes())}};
}

}  // namespace hivemind::hub::cli
