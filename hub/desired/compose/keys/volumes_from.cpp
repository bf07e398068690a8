#include "hub/desired/compose/keys/family.h"

namespace hivemind::hub::compose {
namespace {

constexpr std::string_view kContainer = "container:";

// "service[:ro|rw]" or "container:name[:ro|rw]"; false: that is not all that is written.
bool parse(VolumesFrom& from) {
  std::string_view text = from.written.value;
  const bool foreign = text.starts_with(kContainer);
  if (foreign) text.remove_prefix(kContainer.size());
  const std::size_t colon = text.find(':');
  const std::string_view access = colon == std::string_view::npos ? "rw" : text.substr(colon + 1);
  from.read_only = access == "ro";
  (foreign ? from.container : from.service) = text.substr(0, colon);
  return (access == "ro" || access == "rw") && colon != 0 && !text.empty();
}

void read_volumes_from(const yaml::Node& node, Service& service, Reader& reader) {
  if (!reader.is_sequence(node)) return;
  for (const yaml::Node& item : node.items) {
    const auto text = reader.text(item);
    if (!text) continue;
    VolumesFrom from{.service = {}, .container = {}, .read_only = false, .written = {*text, item.location}};
    if (!parse(from)) reader.refused_by_engine(item, "'service', 'service:ro' or 'container:name:ro'");
    service.mounts.volumes_from.push_back(std::move(from));
  }
}

constexpr Field<Service> kFields[] = {{"volumes_from", read_volumes_from}};

// Which container that is, the agent knows.
void emit(const Service&, const Project&, EngineBody&) {}

void print(const Service& service, const Project&, nlohmann::json& into) {
  for (const VolumesFrom& from : service.mounts.volumes_from)
    into["volumes_from"].push_back(from.written.value);
}

}  // namespace

constinit const Family kVolumesFrom{kFields, emit, print};

}  // namespace hivemind::hub::compose
