#include "hub/desired/compose/keys/family.h"
#include "hub/desired/compose/keys/values.h"

namespace hivemind::hub::compose {
namespace {

constexpr std::int64_t kMaxReplicas = 1000;

std::optional<Located<std::int64_t>> read_count(const yaml::Node& node, Reader& reader) {
  const auto count = reader.integer(node);
  if (!count) return std::nullopt;
  if (*count < 0 || *count > kMaxReplicas) {
    reader.invalid(node, "a number from 0 to 1000");
    return std::nullopt;
  }
  return Located<std::int64_t>{*count, node.location};
}

void read_scale(const yaml::Node& node, Service& service, Reader& reader) {
  service.replicas.scale = read_count(node, reader);
}
void read_replicas(const yaml::Node& node, Service& service, Reader& reader) {
  service.replicas.deploy = read_count(node, reader);
}

// Limits and reservations: the same limit may stand directly in the service, see Limit.
template <auto Member>
void read_memory(const yaml::Node& node, Service& service, Reader& reader) {
  if (const auto bytes = read_bytes(node, reader)) {
    (service.resources.*Member).deploy = Located<std::int64_t>{*bytes, node.location};
  }
}
void read_cpus(const yaml::Node& node, Service& service, Reader& reader) {
  if (const auto cpus = read_nano_cpus(node, reader)) {
    service.resources.nano_cpus.deploy = Located<std::int64_t>{*cpus, node.location};
  }
}
void read_pids(const yaml::Node& node, Service& service, Reader& reader) {
  if (const auto pids = reader.integer(node)) {
    service.resources.pids.deploy = Located<std::int64_t>{*pids, node.location};
  }
}
constexpr Field<Service> kLimitFields[] = {
    {"memory", read_memory<&Resources::memory>}, {"cpus", read_cpus}, {"pids", read_pids}};

void read_limits(const yaml::Node& node, Service& service, Reader& reader) {
  read_fields(node, kLimitFields, service, reader);
}

void read_driver(const yaml::Node& node, DeviceRequest& request, Reader& reader) {
  request.driver = reader.text(node).value_or("");
}
void read_device_count(const yaml::Node& node, DeviceRequest& request, Reader& reader) {
  request.count = node.is_scalar() && node.scalar == "all" ? -1 : reader.integer(node);
}
void read_ids(const yaml::Node& node, DeviceRequest& request, Reader& reader) {
  request.ids = values(reader.texts(node));
}
void read_capabilities(const yaml::Node& node, DeviceRequest& request, Reader& reader) {
  request.capabilities = values(reader.texts(node));
}
void read_options(const yaml::Node& node, DeviceRequest& request, Reader& reader) {
  request.options = text_map(reader.pairs(node));
}
constexpr Field<DeviceRequest> kDeviceFields[] = {{"driver", read_driver},
                                                  {"count", read_device_count},
                                                  {"device_ids", read_ids},
                                                  {"capabilities", read_capabilities},
                                                  {"options", read_options}};

void read_devices(const yaml::Node& node, Service& service, Reader& reader) {
  if (!reader.is_sequence(node)) return;
  for (const yaml::Node& item : node.items) {
    DeviceRequest request;
    read_fields(item, kDeviceFields, request, reader);
    if (request.capabilities.empty()) {
      reader.error(item.location, "compose.missing-key", "'" + reader.path() + "' needs 'capabilities'");
    }
    if (request.count && !request.ids.empty()) {
      reader.error(item.location, "compose.conflict", "'count' and 'device_ids' exclude each other");
    }
    service.resources.device_requests.push_back(std::move(request));
  }
}
constexpr Field<Service> kReservationFields[] = {{"memory", read_memory<&Resources::memory_reservation>},
                                                 {"devices", read_devices}};
constexpr UnreadKey kReservationUnread[] = {{"cpus", Unread::kIgnored, "an engine reserves no processors"},
                                            {"generic_resources"}};

void read_reservations(const yaml::Node& node, Service& service, Reader& reader) {
  read_fields(node, kReservationFields, kReservationUnread, service, reader);
}

constexpr Field<Service> kResourceFields[] = {{"limits", read_limits}, {"reservations", read_reservations}};

void read_resources(const yaml::Node& node, Service& service, Reader& reader) {
  read_fields(node, kResourceFields, service, reader);
}

void read_condition(const yaml::Node& node, RestartPolicy& policy, Reader& reader) {
  const auto condition = reader.choice(node, {"none", "on-failure", "any", "no", "always", "unless-stopped"});
  if (!condition) return;
  policy.name = *condition == "none" ? "no" : *condition == "any" ? "always" : *condition;
}
void read_max_attempts(const yaml::Node& node, RestartPolicy& policy, Reader& reader) {
  policy.max_retries = reader.integer(node).value_or(0);
  if (policy.max_retries < 0) reader.invalid(node, "a number of at least 0");
}
constexpr Field<RestartPolicy> kPolicyFields[] = {{"condition", read_condition},
                                                  {"max_attempts", read_max_attempts}};
constexpr UnreadKey kPolicyUnread[] = {
    {"delay", Unread::kIgnored, "the engine and the agent back off by themselves"},
    {"window", Unread::kIgnored, "the engine and the agent back off by themselves"}};

void read_restart_policy(const yaml::Node& node, Service& service, Reader& reader) {
  RestartPolicy policy{"always", 0};
  read_fields(node, kPolicyFields, kPolicyUnread, policy, reader);
  // The engine refuses a count with any other policy.
  if (policy.name != "on-failure") policy.max_retries = 0;
  service.lifecycle.deploy_restart = policy;
}

void read_mode(const yaml::Node& node, Service&, Reader& reader) {
  if (node.is_scalar() && node.scalar == "replicated") return;
  reader.warning(node.location, "compose.ignored-key", "'deploy.mode' is ignored, found " + node.describe(),
                 "stacks.yml says which nodes run a stack, 'deploy.replicas' how many containers on each");
}

constexpr std::string_view kSwarmOnly =
    "it is for Swarm; stacks.yml says where a stack runs and how it is rolled out";
constexpr Field<Service> kDeployFields[] = {{"mode", read_mode},
                                            {"replicas", read_replicas},
                                            {"resources", read_resources},
                                            {"restart_policy", read_restart_policy}};
constexpr UnreadKey kDeployUnread[] = {
    {"labels", Unread::kIgnored, "they are a Swarm service's; a container has 'labels' of the service"},
    {"placement", Unread::kIgnored, kSwarmOnly},
    {"endpoint_mode", Unread::kIgnored, kSwarmOnly},
    {"update_config", Unread::kIgnored, kSwarmOnly},
    {"rollback_config", Unread::kIgnored, kSwarmOnly}};

void read_deploy(const yaml::Node& node, Service& service, Reader& reader) {
  read_fields(node, kDeployFields, kDeployUnread, service, reader);
}

constexpr Field<Service> kFields[] = {{"deploy", read_deploy}, {"scale", read_scale}};

// What deploy says is emitted by the families that it says it of.
void emit(const Service&, const Project&, EngineBody&) {}

}  // namespace

constinit const Family kDeploy{kFields, emit};

}  // namespace hivemind::hub::compose
