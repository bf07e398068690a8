#include "hub/desired/compose/keys/family.h"
#include "hub/desired/compose/keys/numbers.h"
#include "hub/desired/compose/keys/values.h"

namespace hivemind::hub::compose {
namespace {

// A number below zero is a size for the schema alone.
std::optional<std::int64_t> read_size(const yaml::Node& node, Reader& reader) {
  const auto number = node.type() == yaml::Type::kInteger ? node.as_integer() : std::nullopt;
  if (number.value_or(0) >= 0) return read_bytes(node, reader);
  reader.refused_by_engine(node, "a size such as '512m' or '1.5g'");
  return number;
}

template <auto Member>
void read_limit_bytes(const yaml::Node& node, Service& service, Reader& reader) {
  if (const auto bytes = read_size(node, reader)) {
    (service.resources.*Member).plain = Located<std::int64_t>{*bytes, node.location};
  }
}
void read_plain_cpus(const yaml::Node& node, Service& service, Reader& reader) {
  if (const auto cpus = read_cpus(node, reader)) {
    service.resources.cpus.plain = Located<float>{*cpus, node.location};
  }
}
void read_pids(const yaml::Node& node, Service& service, Reader& reader) {
  if (const auto pids = read_cut_integer(node, reader)) {
    service.resources.pids.plain = Located<std::int64_t>{*pids, node.location};
  }
}
void read_swap(const yaml::Node& node, Service& service, Reader& reader) {
  service.resources.memory_swap = read_bytes(node, reader, Unlimited::kYes);
}
void read_shm_size(const yaml::Node& node, Service& service, Reader& reader) {
  service.resources.shm_size = read_size(node, reader);
}

// The reference sends no 0, and the engine takes its own default then.
void read_swappiness(const yaml::Node& node, Service& service, Reader& reader) {
  const auto value = reader.integer(node);
  if (!value) return;
  service.resources.memory_swappiness = value;
  if (*value < -1 || *value > 100) return reader.refused_by_engine(node, "a number from 0 to 100, or -1");
  if (*value == 0) {
    reader.warning(node.location, "compose.no-effect",
                   "'mem_swappiness' 0 has no effect, as with docker compose: the engine's default holds",
                   "write 1, or remove it");
  }
}

void read_oom_score_adj(const yaml::Node& node, Service& service, Reader& reader) {
  const auto value = reader.integer(node);
  if (!value) return;
  if (*value < -1000 || *value > 1000) return reader.invalid(node, "a number from -1000 to 1000");
  service.resources.oom_score_adj = value;
}

template <auto Member>
void read_cut(const yaml::Node& node, Service& service, Reader& reader) {
  service.resources.*Member = read_cut_integer(node, reader);
}
void read_cpu_count(const yaml::Node& node, Service& service, Reader& reader) {
  service.resources.cpu_count = reader.integer(node);
  if (service.resources.cpu_count.value_or(0) < 0) reader.invalid(node, "a number of at least 0");
}
void read_cpu_percent(const yaml::Node& node, Service& service, Reader& reader) {
  service.resources.cpu_percent = reader.integer(node);
  const std::int64_t percent = service.resources.cpu_percent.value_or(0);
  if (percent < 0 || percent > 100) reader.invalid(node, "a number from 0 to 100");
}
constexpr std::string_view kWindows = "only engines on Windows count processors this way; use 'cpus'";

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
      limit.single = reader.integer(value);
      limit.soft = limit.hard = limit.single.value_or(0);
      continue;
    }
    read_fields(value, kUlimitFields, limit, reader);
    if (value.find("soft") == nullptr || value.find("hard") == nullptr) {
      reader.error(value.location, "compose.missing-key", "'" + reader.path() + "' needs 'soft' and 'hard'");
    }
  }
}

// Strings, or integers, of which the reference makes strings.
void read_storage_opt(const yaml::Node& node, Service& service, Reader& reader) {
  if (!reader.is_map(node)) return;
  for (const auto& [key, value] : node.members) {
    const Reader::Scope scope = reader.in_key(key.scalar);
    if (value.is_null()) {
      service.resources.storage[key.scalar] = "";
    } else if (value.type() == yaml::Type::kFloat) {
      reader.wrong_type(value, "a string or an integer");
    } else if (auto text = reader.text(value, Allowed::kNumbers)) {
      service.resources.storage[key.scalar] = std::move(*text);
    }
  }
}

constexpr Field<Service> kFields[] = {
    {"mem_limit", read_limit_bytes<&Resources::memory>},
    {"mem_reservation", read_limit_bytes<&Resources::memory_reservation>},
    {"memswap_limit", read_swap},
    {"mem_swappiness", read_swappiness},
    {"cpus", read_plain_cpus},
    {"cpu_shares", read_cut<&Resources::cpu_shares>},
    {"cpu_quota", read_cut<&Resources::cpu_quota>},
    {"cpu_period", read_cut<&Resources::cpu_period>},
    {"cpu_rt_period", read_cut<&Resources::cpu_rt_period>},
    {"cpu_rt_runtime", read_cut<&Resources::cpu_rt_runtime>},
    {.key = "cpu_count", .read = read_cpu_count, .ignored = kWindows},
    {.key = "cpu_percent", .read = read_cpu_percent, .ignored = kWindows},
    {"cpuset", read_text<&Service::resources, &Resources::cpuset>},
    {"pids_limit", read_pids},
    {"shm_size", read_shm_size},
    {.key = "ulimits", .read = read_ulimits, .members = members_of<kUlimitFields>},
    {"storage_opt", read_storage_opt},
    {"oom_kill_disable", read_flag<&Service::resources, &Resources::oom_kill_disable>},
    {"oom_score_adj", read_oom_score_adj},
};

// Zero is the same as absent, as in the reference.
void put_number(nlohmann::json& into, const char* name, const std::optional<std::int64_t>& value) {
  if (value.value_or(0) != 0) into[name] = *value;
}
void put_size(nlohmann::json& into, const char* name, const std::optional<std::int64_t>& value) {
  if (value.value_or(0) != 0) into[name] = size_json(*value);
}

// A limit of processes under 'deploy' counts only above 0.
std::optional<std::int64_t> pids_of(const Resources& resources) {
  if (resources.pids.deploy && resources.pids.deploy->value > 0) return resources.pids.deploy->value;
  return resources.pids.plain ? std::optional(resources.pids.plain->value) : std::nullopt;
}

void emit(const Service& service, const Project&, EngineBody& body) {
  const Resources& resources = service.resources;
  put_number(body.host, "Memory", resources.memory.value());
  put_number(body.host, "MemoryReservation", resources.memory_reservation.value());
  put_number(body.host, "MemorySwap", resources.memory_swap);
  put_number(body.host, "MemorySwappiness", resources.memory_swappiness);
  if (const auto cpus = resources.cpus.value()) body.host["NanoCpus"] = nano_cpus(*cpus);
  put_number(body.host, "PidsLimit", pids_of(resources));
  put_number(body.host, "ShmSize", resources.shm_size);
  put_number(body.host, "CpuShares", resources.cpu_shares);
  put_number(body.host, "CpuQuota", resources.cpu_quota);
  put_number(body.host, "CpuPeriod", resources.cpu_period);
  put_number(body.host, "CpuRealtimePeriod", resources.cpu_rt_period);
  put_number(body.host, "CpuRealtimeRuntime", resources.cpu_rt_runtime);
  put(body.host, "CpusetCpus", resources.cpuset);
  put(body.host, "OomKillDisable", resources.oom_kill_disable);
  put_number(body.host, "OomScoreAdj", resources.oom_score_adj);
  put(body.host, "StorageOpt", resources.storage);
  for (const auto& [name, limit] : resources.ulimits) {
    body.host["Ulimits"].push_back({{"Name", name}, {"Soft", limit.soft}, {"Hard", limit.hard}});
  }
}

void print_ulimits(const Resources& resources, nlohmann::json& into) {
  for (const auto& [name, limit] : resources.ulimits) {
    nlohmann::json& json = into["ulimits"][name];
    if (limit.single.value_or(0) != 0) {
      json = *limit.single;
      continue;
    }
    json = nlohmann::json::object();
    put_number(json, "soft", limit.soft);
    put_number(json, "hard", limit.hard);
  }
}

template <typename T>
std::optional<T> plain(const Limit<T>& limit) {
  return limit.plain ? std::optional(limit.plain->value) : std::nullopt;
}

void print(const Service& service, const Project&, nlohmann::json& into) {
  const Resources& resources = service.resources;
  put_size(into, "mem_limit", plain(resources.memory));
  put_size(into, "mem_reservation", plain(resources.memory_reservation));
  put_size(into, "memswap_limit", resources.memory_swap);
  put_size(into, "mem_swappiness", resources.memory_swappiness);
  put_size(into, "shm_size", resources.shm_size);
  if (plain(resources.cpus).value_or(0) != 0) into["cpus"] = float_json(*plain(resources.cpus));
  put_number(into, "cpu_shares", resources.cpu_shares);
  put_number(into, "cpu_quota", resources.cpu_quota);
  put_number(into, "cpu_period", resources.cpu_period);
  put_number(into, "cpu_rt_period", resources.cpu_rt_period);
  put_number(into, "cpu_rt_runtime", resources.cpu_rt_runtime);
  put_number(into, "cpu_count", resources.cpu_count);
  put_number(into, "cpu_percent", resources.cpu_percent);
  put(into, "cpuset", resources.cpuset);
  put_number(into, "pids_limit", plain(resources.pids));
  put(into, "storage_opt", resources.storage);
  if (resources.oom_kill_disable.value_or(false)) into["oom_kill_disable"] = true;
  put_number(into, "oom_score_adj", resources.oom_score_adj);
  print_ulimits(resources, into);
}

}  // namespace

constinit const Family kResources{kFields, emit, print};

}  // namespace hivemind::hub::compose
