#include "hub/desired/compose/keys/deploy.h"
#include "hub/desired/compose/keys/device_requests.h"
#include "hub/desired/compose/keys/numbers.h"

namespace hivemind::hub::compose {
namespace {

template <auto Member>
void read_memory(const yaml::Node& node, Service& service, Reader& reader) {
  if (const auto bytes = read_size_text(node, reader)) {
    (service.resources.*Member).deploy = Located<std::int64_t>{*bytes, node.location};
  }
}
void read_limit_cpus(const yaml::Node& node, Service& service, Reader& reader) {
  if (const auto cpus = read_cpus(node, reader)) {
    service.resources.cpus.deploy = Located<float>{*cpus, node.location};
  }
}
void read_pids(const yaml::Node& node, Service& service, Reader& reader) {
  if (const auto pids = reader.integer(node)) {
    service.resources.pids.deploy = Located<std::int64_t>{*pids, node.location};
  }
}
constexpr Field<Service> kLimitFields[] = {
    {"memory", read_memory<&Resources::memory>}, {"cpus", read_limit_cpus}, {"pids", read_pids}};

void read_limits(const yaml::Node& node, Service& service, Reader& reader) {
  service.resources.deploy_limits = node.location;
  read_fields(node, kLimitFields, service, reader);
}

void read_devices(const yaml::Node& node, Service& service, Reader& reader) {
  service.resources.device_requests = read_device_requests(node, Capabilities::kRequired, reader);
}
void read_reserved_cpus(const yaml::Node& node, Service& service, Reader& reader) {
  service.resources.reserved_cpus = read_cpus(node, reader);
}

using Generic = std::optional<std::pair<std::string, std::int64_t>>;

void read_kind(const yaml::Node& node, Generic& generic, Reader& reader) {
  generic->first = reader.text(node).value_or("");
}
void read_value(const yaml::Node& node, Generic& generic, Reader& reader) {
  generic->second = read_cut_integer(node, reader).value_or(0);
}
constexpr Field<Generic> kSpecFields[] = {{"kind", read_kind}, {"value", read_value}};

void read_spec(const yaml::Node& node, Generic& generic, Reader& reader) {
  generic.emplace();
  read_fields(node, kSpecFields, generic, reader);
}
constexpr Field<Generic> kGenericFields[] = {
    {.key = "discrete_resource_spec", .read = read_spec, .members = members_of<kSpecFields>}};

void read_generic_resources(const yaml::Node& node, Service& service, Reader& reader) {
  if (!reader.is_sequence(node)) return;
  for (const yaml::Node& item : node.items) {
    read_fields(item, kGenericFields, service.resources.generic.emplace_back(), reader);
  }
}

constexpr Field<Service> kReservationFields[] = {
    {"memory", read_memory<&Resources::memory_reservation>},
    {.key = "cpus", .read = read_reserved_cpus, .ignored = "an engine reserves no processors"},
    {.key = "devices", .read = read_devices, .members = device_request_keys},
    {.key = "generic_resources",
     .read = read_generic_resources,
     .ignored = "an engine knows no resources of one's own; only Swarm does",
     .members = members_of<kGenericFields>}};

void read_reservations(const yaml::Node& node, Service& service, Reader& reader) {
  service.resources.deploy_reservations = node.location;
  read_fields(node, kReservationFields, service, reader);
}

constexpr Field<Service> kResourceFields[] = {
    {.key = "limits", .read = read_limits, .members = members_of<kLimitFields>},
    {.key = "reservations", .read = read_reservations, .members = members_of<kReservationFields>}};

template <typename T>
std::optional<T> of_deploy(const Limit<T>& limit) {
  if (!limit.deploy || limit.deploy->value == T{}) return std::nullopt;
  return limit.deploy->value;
}

nlohmann::json print_limits(const Resources& resources) {
  nlohmann::json json = nlohmann::json::object();
  if (const auto cpus = of_deploy(resources.cpus)) json["cpus"] = float_json(*cpus);
  if (const auto bytes = of_deploy(resources.memory)) json["memory"] = size_json(*bytes);
  put(json, "pids", of_deploy(resources.pids));
  return json;
}

nlohmann::json print_reservations(const Resources& resources) {
  nlohmann::json json = nlohmann::json::object();
  if (resources.reserved_cpus.value_or(0) != 0) json["cpus"] = float_json(*resources.reserved_cpus);
  if (const auto bytes = of_deploy(resources.memory_reservation)) json["memory"] = size_json(*bytes);
  for (const DeviceRequest& request : resources.device_requests) {
    json["devices"].push_back(print_device_request(request));
  }
  for (const Generic& generic : resources.generic) {
    nlohmann::json one = nlohmann::json::object();
    if (generic) one["discrete_resource_spec"] = {{"kind", generic->first}, {"value", generic->second}};
    json["generic_resources"].push_back(std::move(one));
  }
  return json;
}

}  // namespace

void read_deploy_resources(const yaml::Node& node, Service& service, Reader& reader) {
  read_fields(node, kResourceFields, service, reader);
}

std::vector<KnownKey> deploy_resource_keys() {
  return members_of<kResourceFields>();
}

nlohmann::json print_deploy_resources(const Resources& resources) {
  nlohmann::json json = nlohmann::json::object();
  if (resources.deploy_limits) json["limits"] = print_limits(resources);
  if (resources.deploy_reservations) json["reservations"] = print_reservations(resources);
  return json;
}

}  // namespace hivemind::hub::compose
