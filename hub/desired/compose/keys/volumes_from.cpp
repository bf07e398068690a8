#include <algorithm>

#include "hub/desired/compose/keys/family.h"

namespace hivemind::hub::compose {
namespace {

constexpr std::string_view kContainer = "container:";

// "service[:ro|rw]" or "container:name[:ro|rw]".
std::optional<VolumesFrom> parse(const Text& written) {
  VolumesFrom from{.service = {}, .container = {}, .read_only = false, .written = written};
  std::string_view text = written.value;
  const bool foreign = text.starts_with(kContainer);
  if (foreign) text.remove_prefix(kContainer.size());
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos) {
    const std::string_view access = text.substr(colon + 1);
    if (access != "ro" && access != "rw") return std::nullopt;
    from.read_only = access == "ro";
  }
  std::string name(text.substr(0, colon));
  if (name.empty()) return std::nullopt;
  (foreign ? from.container : from.service) = std::move(name);
  return from;
}

void read_volumes_from(const yaml::Node& node, Service& service, Reader& reader) {
  if (!reader.is_sequence(node)) return;
  for (const yaml::Node& item : node.items) {
    const auto text = reader.text(item);
    if (!text) continue;
    if (auto from = parse({*text, item.location})) {
      service.mounts.volumes_from.push_back(std::move(*from));
    } else {
      reader.invalid(item, "'service', 'service:ro' or 'container:name:ro'");
    }
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
