#include "hub/desired/compose/keys/family.h"
#include "hub/desired/compose/keys/numbers.h"
#include "hub/desired/compose/keys/values.h"

namespace hivemind::hub::compose {
namespace {

constexpr std::int64_t kMinWeight = 10, kMaxWeight = 1000;

void read_path(const yaml::Node& node, BlockLimit& limit, Reader& reader) {
  limit.path = reader.text(node).value_or("");
}
void read_rate(const yaml::Node& node, BlockLimit& limit, Reader& reader) {
  limit.value = read_bytes(node, reader).value_or(0);
}

std::optional<std::int64_t> read_block_weight(const yaml::Node& node, Reader& reader) {
  const auto weight = reader.integer(node);
  if (!weight || *weight == 0 || (*weight >= kMinWeight && *weight <= kMaxWeight)) return weight;
  if (*weight > 0) {
    reader.refused_by_engine(node, "a number from 10 to 1000");
    return weight;
  }
  reader.invalid(node, "a number from 10 to 1000");
  return std::nullopt;
}
void read_limit_weight(const yaml::Node& node, BlockLimit& limit, Reader& reader) {
  limit.value = read_block_weight(node, reader).value_or(0);
}
constexpr Field<BlockLimit> kRateFields[] = {{"path", read_path}, {"rate", read_rate}};
constexpr Field<BlockLimit> kWeightFields[] = {{"path", read_path}, {"weight", read_limit_weight}};

// Here, and nowhere else, the reference takes no keys of the user's own.
void refuse_extensions(const yaml::Node& node, Reader& reader) {
  for (const auto& [key, value] : node.members) {
    if (!is_extension(key)) continue;
    reader.error(key.location, "compose.unknown-key", "'" + reader.path() + "' takes no 'x-' keys",
                 "remove it");
  }
}

template <auto Member, const auto& Fields>
void read_limits(const yaml::Node& node, BlockIo& block_io, Reader& reader) {
  if (!reader.is_sequence(node)) return;
  for (const yaml::Node& item : node.items) {
    BlockLimit& limit = (block_io.*Member).emplace_back();
    read_fields(item, Fields, limit, reader);
    refuse_extensions(item, reader);
    if (item.is_map() && !limit.path.starts_with("/")) {
      reader.error(item.location, "compose.refused-by-engine",
                   "'" + reader.path() + "' needs the 'path' of a device, such as '/dev/sda'");
    }
  }
}
void read_weight(const yaml::Node& node, BlockIo& block_io, Reader& reader) {
  block_io.weight = read_block_weight(node, reader);
}
constexpr Field<BlockIo> kBlockFields[] = {
    {"weight", read_weight},
    {.key = "weight_device",
     .read = read_limits<&BlockIo::weight_device, kWeightFields>,
     .members = members_of<kWeightFields>},
    {.key = "device_read_bps",
     .read = read_limits<&BlockIo::read_bps, kRateFields>,
     .members = members_of<kRateFields>},
    {.key = "device_read_iops",
     .read = read_limits<&BlockIo::read_iops, kRateFields>,
     .members = members_of<kRateFields>},
    {.key = "device_write_bps",
     .read = read_limits<&BlockIo::write_bps, kRateFields>,
     .members = members_of<kRateFields>},
    {.key = "device_write_iops",
     .read = read_limits<&BlockIo::write_iops, kRateFields>,
     .members = members_of<kRateFields>},
};

void read_blkio_config(const yaml::Node& node, Service& service, Reader& reader) {
  read_fields(node, kBlockFields, service.resources.block_io.emplace(), reader);
  refuse_extensions(node, reader);
}

constexpr Field<Service> kFields[] = {
    {.key = "blkio_config", .read = read_blkio_config, .members = members_of<kBlockFields>}};

void put_limits(nlohmann::json& into, const char* name, const char* value,
                const std::vector<BlockLimit>& limits) {
  for (const BlockLimit& limit : limits) into[name].push_back({{"Path", limit.path}, {value, limit.value}});
}

void emit(const Service& service, const Project&, EngineBody& body) {
  if (!service.resources.block_io) return;
  const BlockIo& block_io = *service.resources.block_io;
  if (block_io.weight.value_or(0) != 0) body.host["BlkioWeight"] = *block_io.weight;
  put_limits(body.host, "BlkioWeightDevice", "Weight", block_io.weight_device);
  put_limits(body.host, "BlkioDeviceReadBps", "Rate", block_io.read_bps);
  put_limits(body.host, "BlkioDeviceReadIOps", "Rate", block_io.read_iops);
  put_limits(body.host, "BlkioDeviceWriteBps", "Rate", block_io.write_bps);
  put_limits(body.host, "BlkioDeviceWriteIOps", "Rate", block_io.write_iops);
}

// With capital letters: the reference names no keys for these.
void print_rates(nlohmann::json& into, const char* name, const std::vector<BlockLimit>& limits) {
  for (const BlockLimit& limit : limits) {
    into[name].push_back({{"Path", limit.path}, {"Rate", size_json(limit.value)}});
  }
}

void print(const Service& service, const Project&, nlohmann::json& into) {
  if (!service.resources.block_io) return;
  const BlockIo& block_io = *service.resources.block_io;
  nlohmann::json& json = into["blkio_config"] = nlohmann::json::object();
  if (block_io.weight.value_or(0) != 0) json["weight"] = *block_io.weight;
  put_limits(json, "weight_device", "Weight", block_io.weight_device);
  print_rates(json, "device_read_bps", block_io.read_bps);
  print_rates(json, "device_read_iops", block_io.read_iops);
  print_rates(json, "device_write_bps", block_io.write_bps);
  print_rates(json, "device_write_iops", block_io.write_iops);
}

}  // namespace

constinit const Family kBlockIo{kFields, emit, print};

}  // namespace hivemind::hub::compose
