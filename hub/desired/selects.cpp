#include <algorithm>

#include "hub/desired/fleet.h"

namespace hivemind::hub {

bool Selector::selects(const NodeIdentity& node) const {
  if (!ids.empty() && !std::ranges::binary_search(ids, node.id)) return false;
  return std::ranges::all_of(labels, [&](const auto& wanted) {
    const auto found = node.labels.find(wanted.first);
    return found != node.labels.end() &&
           std::ranges::find(wanted.second, found->second) != wanted.second.end();
  });
}

}  // namespace hivemind::hub
