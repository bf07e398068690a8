#include "hub/desired/compose/keys/family.h"
#include "hub/desired/compose/keys/values.h"

namespace hivemind::hub::compose {

namespace {

template <auto Member>
void read_limit_bytes(const yaml::Node& node, Service& service, Reader& reader) {
  if (const auto bytes = read_bytes(node, reader)) {
    (service.resources.*Member).plain = Located<std::int64_t>{*bytes, node.location};
  }
}
void read_cpus(const yaml::Node& node, Service& service, Reader& reader) {
  if (const auto cpus = read_nano_cpus(node, reader)) {
    service.resources.nano_cpus.plain = Located<std::int64_t>{*cpus, node.location};
  }
}
void read_pids(const yaml::Node& node, Service& service, Reader& reader) {
  if (const auto pids = reader.integer(node)) {
    service.resources.pids.plain = Located<std::int64_t>{*pids, node.location};
  }
}
void read_swap(const yaml::Node& node, Service& service, Reader& reader) {
  service.resources.memory_swap = read_bytes(node, reader, Unlimited::kYes);
}
void read_shm_size(const yaml::Node& node, Service& service, Reader& reader) {
  service.resources.shm_size = read_bytes(node, reader);
}

void read_soft(const yaml::Node& node, Ulimit& limit, Reader& reader) {
  limit.soft = reader.integer(node).value_or(0);
}
void read_hard(const yaml::Node& node, Ulimit& limit, Reader& reader) {
  limit.hard = reader.integer(node).value_or(0);
}
constexpr Field<Ulimit> kUlimitFields[] = {{"soft", read_soft}, {"hard", read_hard}};

void read_ulimits(const yaml::Node& node, Service& service, Reader& reader) {
  if (!reader.is_map(node)) return;
  for (const auto& [key, value] : node.members) {
    const Reader::Scope scope = reader.in_key(key.scalar);
    Ulimit& limit = service.resources.ulimits[key.scalar];
    if (!value.is_map()) {
      limit.soft = limit.hard = reader.integer(value).value_or(0);
      continue;
    }
    read_fields(value, kUlimitFields, limit, reader);
    if (value.find("soft") == nullptr || value.find("hard") == nullptr) {
      reader.error(value.location, "compose.missing-key", "'" + reader.path() + "' needs 'soft' and 'hard'");
    }
  }
}

constexpr Field<Service> kFields[] = {
    {"mem_limit", read_limit_bytes<&Resources::memory>},
    {"mem_reservation", read_limit_bytes<&Resources::memory_reservation>},
    {"memswap_limit", read_swap},
    {"mem_swappiness", read_integer<&Service::resources, &Resources::memory_swappiness>},
    {"cpus", read_cpus},
    {"cpu_shares", read_integer<&Service::resources, &Resources::cpu_shares>},
    {"cpu_quota", read_integer<&Service::resources, &Resources::cpu_quota>},
    {"cpu_period", read_integer<&Service::resources, &Resources::cpu_period>},
    {"cpuset", read_text<&Service::resources, &Resources::cpuset>},
    {"pids_limit", read_pids},
    {"shm_size", read_shm_size},
    {"ulimits", read_ulimits},
    {"oom_kill_disable", read_flag<&Service::resources, &Resources::oom_kill_disable>},
    {"oom_score_adj", read_integer<&Service::resources, &Resources::oom_score_adj>},
};

void emit_device_requests(const Resources& resources, EngineBody& body) {
  for (const DeviceRequest& request : resources.device_requests) {
    nlohmann::json json = {{"Capabilities", nlohmann::json::array({request.capabilities})}};
    put(json, "Driver", request.driver);
    put(json, "DeviceIDs", request.ids);
    put(json, "Options", request.options);
    // -1 is all of them, which is what the reference asks for when neither count nor ids are given.
    if (request.ids.empty()) json["Count"] = request.count.value_or(-1);
    body.host["DeviceRequests"].push_back(std::move(json));
  }
}

void emit(const Service& service, const Project&, EngineBody& body) {
  const Resources& resources = service.resources;
  put(body.host, "Memory", resources.memory.value());
  put(body.host, "MemoryReservation", resources.memory_reservation.value());
  put(body.host, "MemorySwap", resources.memory_swap);
  put(body.host, "MemorySwappiness", resources.memory_swappiness);
  put(body.host, "NanoCpus", resources.nano_cpus.value());
  put(body.host, "PidsLimit", resources.pids.value());
  put(body.host, "ShmSize", resources.shm_size);
  put(body.host, "CpuShares", resources.cpu_shares);
  put(body.host, "CpuQuota", resources.cpu_quota);
  put(body.host, "CpuPeriod", resources.cpu_period);
  put(body.host, "CpusetCpus", resources.cpuset);
  put(body.host, "OomKillDisable", resources.oom_kill_disable);
  put(body.host, "OomScoreAdj", resources.oom_score_adj);
  for (const auto& [name, limit] : resources.ulimits) {
    body.host["Ulimits"].push_back({{"Name", name}, {"Soft", limit.soft}, {"Hard", limit.hard}});
  }
  emit_device_requests(resources, body);
}

}  // namespace

constinit const Family kResources{kFields, emit};

}  // namespace hivemind::hub::compose
