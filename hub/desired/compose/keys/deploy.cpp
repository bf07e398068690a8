#include "hub/desired/compose/keys/deploy.h"

#include <fmt/format.h>

#include "hub/desired/compose/keys/numbers.h"

namespace hivemind::hub::compose {
namespace {

constexpr std::int64_t kMaxReplicas = 1000;

std::optional<Located<std::int64_t>> read_replica_count(const yaml::Node& node, Reader& reader) {
  const auto count = reader.integer(node);
  if (!count) return std::nullopt;
  if (*count < 0 || *count > kMaxReplicas) {
    reader.invalid(node, "a number from 0 to 1000");
    return std::nullopt;
  }
  return Located<std::int64_t>{*count, node.location};
}

void read_scale(const yaml::Node& node, Service& service, Reader& reader) {
  service.replicas.scale = read_replica_count(node, reader);
}
void read_replicas(const yaml::Node& node, Service& service, Reader& reader) {
  service.replicas.deploy = read_replica_count(node, reader);
}

// --- restart_policy: replaces 'restart'

void read_condition(const yaml::Node& node, Service& service, Reader& reader) {
  service.deploy->restart_condition = reader.text(node);
  const std::string condition = service.deploy->restart_condition.value_or("");
  if (!condition.empty()) check_restart(node, condition, reader);
}
void read_max_attempts(const yaml::Node& node, Service& service, Reader& reader) {
  service.deploy->restart_max_attempts = read_count(node, reader);
}
template <auto Member>
void read_restart_time(const yaml::Node& node, Service& service, Reader& reader) {
  (*service.deploy).*Member = read_duration(node, reader);
}
constexpr std::string_view kBackOff = "the engine and the agent back off by themselves";
constexpr Field<Service> kPolicyFields[] = {
    {"condition", read_condition},
    {"max_attempts", read_max_attempts},
    {.key = "delay", .read = read_restart_time<&Deploy::restart_delay>, .ignored = kBackOff},
    {.key = "window", .read = read_restart_time<&Deploy::restart_window>, .ignored = kBackOff}};

std::string engine_policy(const std::string& condition) {
  if (condition == "none" || condition.empty()) return "no";
  return condition == "any" ? "always" : condition;
}

// Without a condition the reference restarts nothing, whatever the specification says; and the engine refuses
// a count with any policy but one.
void read_restart_policy(const yaml::Node& node, Service& service, Reader& reader) {
  service.deploy->restart_policy = true;
  read_fields(node, kPolicyFields, service, reader);
  const std::string condition = service.deploy->restart_condition.value_or("");
  RestartPolicy policy{engine_policy(condition), service.deploy->restart_max_attempts.value_or(0)};
  if (condition.empty()) {
    reader.warning(node.location, "compose.no-restart",
                   "'deploy.restart_policy' without 'condition' restarts nothing, as with docker compose",
                   "write 'condition: any'");
  }
  if (policy.name != "on-failure" && policy.max_retries > 0) {
    reader.warning(
        node.location, "compose.ignored-key",
        fmt::format("key 'deploy.restart_policy.max_attempts' is ignored: the engine counts only with "
                    "'condition: on-failure', not with '{}'",
                    condition));
  }
  if (policy.name != "on-failure") policy.max_retries = 0;
  service.lifecycle.deploy_restart = policy;
  service.lifecycle.restart_location = node.location;
}

// --- what is Swarm's

void read_mode(const yaml::Node& node, Service& service, Reader& reader) {
  service.deploy->mode = reader.text(node).value_or("");
  if (service.deploy->mode == "replicated" || service.deploy->mode.empty()) return;
  reader.warning(node.location, "compose.ignored-key", "'deploy.mode' is ignored, found " + node.describe(),
                 "stacks.yml says which nodes run a stack, 'deploy.replicas' how many containers on each");
}
void read_labels(const yaml::Node& node, Service& service, Reader& reader) {
  service.deploy->labels = text_map(reader.pairs(node));
}
void read_endpoint_mode(const yaml::Node& node, Service& service, Reader& reader) {
  service.deploy->endpoint_mode = reader.text(node).value_or("");
}
void read_update(const yaml::Node& node, Service& service, Reader& reader) {
  service.deploy->update = read_update_config(node, Change::kUpdate, reader);
}
void read_rollback(const yaml::Node& node, Service& service, Reader& reader) {
  service.deploy->rollback = read_update_config(node, Change::kRollback, reader);
}

void read_constraints(const yaml::Node& node, Deploy& deploy, Reader& reader) {
  deploy.constraints = values(reader.texts(node));
}
void read_spread(const yaml::Node& node, std::string& spread, Reader& reader) {
  spread = reader.text(node).value_or("");
}
constexpr Field<std::string> kPreferenceFields[] = {{"spread", read_spread}};

void read_preferences(const yaml::Node& node, Deploy& deploy, Reader& reader) {
  if (!reader.is_sequence(node)) return;
  for (const yaml::Node& item : node.items) {
    read_fields(item, kPreferenceFields, deploy.preferences.emplace_back(), reader);
  }
}
void read_max_replicas(const yaml::Node& node, Deploy& deploy, Reader& reader) {
  deploy.max_replicas_per_node = read_count(node, reader).value_or(0);
}
constexpr Field<Deploy> kPlacementFields[] = {
    {"constraints", read_constraints},
    {.key = "preferences", .read = read_preferences, .members = members_of<kPreferenceFields>},
    {"max_replicas_per_node", read_max_replicas}};

void read_placement(const yaml::Node& node, Service& service, Reader& reader) {
  read_fields(node, kPlacementFields, *service.deploy, reader);
}

constexpr Field<Service> kDeployFields[] = {
    {"mode", read_mode},
    {"replicas", read_replicas},
    {.key = "resources", .read = read_deploy_resources, .members = deploy_resource_keys},
    {.key = "restart_policy", .read = read_restart_policy, .members = members_of<kPolicyFields>},
    {.key = "update_config", .read = read_update, .members = update_config_keys},
    {.key = "rollback_config", .read = read_rollback, .members = rollback_config_keys},
    {.key = "labels",
     .read = read_labels,
     .ignored = "they are a Swarm service's; a container has 'labels' of the service"},
    {.key = "placement",
     .read = read_placement,
     .ignored = kSwarmOnly,
     .members = members_of<kPlacementFields>},
    {.key = "endpoint_mode", .read = read_endpoint_mode, .ignored = kSwarmOnly}};

void read_deploy(const yaml::Node& node, Service& service, Reader& reader) {
  service.deploy.emplace();
  read_fields(node, kDeployFields, service, reader);
}

constexpr Field<Service> kFields[] = {
    {.key = "deploy", .read = read_deploy, .null = Null::kAllowed, .members = members_of<kDeployFields>},
    {"scale", read_scale}};

// What deploy says is emitted by the families that it says it of.
void emit(const Service&, const Project&, EngineBody&) {}

nlohmann::json print_restart_policy(const Deploy& deploy) {
  nlohmann::json json = nlohmann::json::object();
  put(json, "condition", deploy.restart_condition.value_or(""));
  if (deploy.restart_delay) json["delay"] = duration_text(*deploy.restart_delay);
  put(json, "max_attempts", deploy.restart_max_attempts);
  if (deploy.restart_window) json["window"] = duration_text(*deploy.restart_window);
  return json;
}

nlohmann::json print_placement(const Deploy& deploy) {
  nlohmann::json json = nlohmann::json::object();
  put(json, "constraints", deploy.constraints);
  for (const std::string& spread : deploy.preferences) {
    nlohmann::json preference = nlohmann::json::object();
    put(preference, "spread", spread);
    json["preferences"].push_back(std::move(preference));
  }
  if (deploy.max_replicas_per_node != 0) json["max_replicas_per_node"] = deploy.max_replicas_per_node;
  return json;
}

// 'resources' and 'placement' are there even when empty.
void print(const Service& service, const Project&, nlohmann::json& into) {
  if (service.replicas.scale) into["scale"] = service.replicas.scale->value;
  if (!service.deploy) return;
  const Deploy& deploy = *service.deploy;
  nlohmann::json& json = into["deploy"] = nlohmann::json::object();
  put(json, "mode", deploy.mode);
  const auto& replicas = service.replicas.scale ? service.replicas.scale : service.replicas.deploy;
  if (replicas) json["replicas"] = replicas->value;
  put(json, "labels", deploy.labels);
  if (deploy.update) json["update_config"] = print_update_config(*deploy.update);
  if (deploy.rollback) json["rollback_config"] = print_update_config(*deploy.rollback);
  json["resources"] = print_deploy_resources(service.resources);
  if (deploy.restart_policy) json["restart_policy"] = print_restart_policy(deploy);
  json["placement"] = print_placement(deploy);
  put(json, "endpoint_mode", deploy.endpoint_mode);
}

}  // namespace

constinit const Family kDeploy{kFields, emit, print};

}  // namespace hivemind::hub::compose
