#include <algorithm>

#include <fmt/format.h>

#include "common/ids.h"
#include "hub/desired/fleet_reader.h"

namespace hivemind::hub {
namespace {

constexpr std::string_view kIds = "ids";

std::vector<std::string> read_ids(const yaml::Node& node, FleetReader& reader) {
  std::vector<std::string> ids = reader.texts(node, "nodes.ids");
  for (const yaml::Node& item : node.items) {
    if (!item.is_scalar() || is_node_id(item.scalar)) continue;
    reader.error(item.location, "fleet.name", fmt::format("'{}' is no node id", item.scalar),
                 "use 1 to 63 of a-z, 0-9 and '-', neither first nor last a '-'");
  }
  std::ranges::sort(ids);
  return ids;
}

}  // namespace

Selector read_selector(const yaml::Node& node, FleetReader& reader) {
  Selector selector;
  if (!node.is_map()) {
    // A null is most often a list or a map that was commented out: taking it for every node would be a bad
    // surprise.
    reader.wrong_type(
        node, "nodes", "a map of labels, or of 'ids'",
        node.is_sequence() ? "write 'nodes: {ids: [...]}'" : "leave the key out for every node");
    return selector;
  }
  for (const auto& [key, value] : node.members) {
    if (key.scalar == kIds) {
      selector.ids = read_ids(value, reader);
    } else if (!is_label_key(key.scalar)) {
      reader.error(key.location, "fleet.name", fmt::format("'{}' is no label", key.scalar),
                   "use up to 63 letters, digits, '.', '-' and '_', a letter or digit first");
    } else {
      selector.labels[key.scalar] = reader.text_or_texts(value, key.scalar);
    }
  }
  return selector;
}

}  // namespace hivemind::hub
