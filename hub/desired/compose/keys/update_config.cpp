#include "hub/desired/compose/keys/deploy.h"
#include "hub/desired/compose/keys/numbers.h"

namespace hivemind::hub::compose {
namespace {

void read_parallelism(const yaml::Node& node, UpdateConfig& config, Reader& reader) {
  config.parallelism = read_count(node, reader);
}
template <auto Member>
void read_time(const yaml::Node& node, UpdateConfig& config, Reader& reader) {
  config.*Member = read_duration(node, reader);
}
void read_failure_action(const yaml::Node& node, UpdateConfig& config, Reader& reader) {
  config.failure_action = reader.text(node).value_or("");
}
void read_max_failure_ratio(const yaml::Node& node, UpdateConfig& config, Reader& reader) {
  config.max_failure_ratio = read_ratio(node, reader);
}
void read_order(const yaml::Node& node, UpdateConfig& config, Reader& reader) {
  config.order = reader.choice(node, {"start-first", "stop-first"}).value_or("");
}

constexpr std::string_view kAlwaysBack = "where a release fails, the one before comes back";
constexpr std::string_view kNoRollback =
    "where a release fails, the containers before come back, all at once and from where they stand";

constexpr Field<UpdateConfig> kUpdateFields[] = {
    {.key = "parallelism", .read = read_parallelism, .ignored = kSwarmOnly},
    {.key = "delay", .read = read_time<&UpdateConfig::delay>, .ignored = kSwarmOnly},
    {.key = "failure_action", .read = read_failure_action, .ignored = kAlwaysBack},
    {.key = "monitor",
     .read = read_time<&UpdateConfig::monitor>,
     .note = "the soak time, where `x-hivemind` gives none; `0s` says nothing"},
    {.key = "max_failure_ratio", .read = read_max_failure_ratio, .ignored = kSwarmOnly},
    {"order", read_order}};
constexpr Field<UpdateConfig> kRollbackFields[] = {
    {.key = "parallelism", .read = read_parallelism, .ignored = kNoRollback},
    {.key = "delay", .read = read_time<&UpdateConfig::delay>, .ignored = kNoRollback},
    {.key = "failure_action", .read = read_failure_action, .ignored = kNoRollback},
    {.key = "monitor", .read = read_time<&UpdateConfig::monitor>, .ignored = kNoRollback},
    {.key = "max_failure_ratio", .read = read_max_failure_ratio, .ignored = kNoRollback},
    {.key = "order", .read = read_order, .ignored = kNoRollback}};

void print_time(nlohmann::json& into, const char* name, const std::optional<Nanoseconds>& value) {
  if (value.value_or(Nanoseconds{0}).count() != 0) into[name] = duration_text(*value);
}

}  // namespace

std::optional<UpdateConfig> read_update_config(const yaml::Node& node, Change change, Reader& reader) {
  UpdateConfig config;
  if (change == Change::kUpdate) {
    read_fields(node, kUpdateFields, config, reader);
  } else {
    read_fields(node, kRollbackFields, config, reader);
  }
  return config;
}

std::vector<KnownKey> update_config_keys() {
  return members_of<kUpdateFields>();
}
std::vector<KnownKey> rollback_config_keys() {
  return members_of<kRollbackFields>();
}

nlohmann::json print_update_config(const UpdateConfig& config) {
  nlohmann::json json = nlohmann::json::object();
  put(json, "parallelism", config.parallelism);
  print_time(json, "delay", config.delay);
  put(json, "failure_action", config.failure_action);
  print_time(json, "monitor", config.monitor);
  if (config.max_failure_ratio.value_or(0) != 0) {
    json["max_failure_ratio"] = float_json(*config.max_failure_ratio);
  }
  put(json, "order", config.order);
  return json;
}

}  // namespace hivemind::hub::compose
