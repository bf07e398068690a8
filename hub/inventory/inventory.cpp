#include "hub/inventory/inventory.h"

#include "common/ids.h"

namespace hivemind::hub {

const Node* Inventory::find(std::string_view id) const {
  const auto found = nodes_.find(id);
  return found == nodes_.end() ? nullptr : &found->second;
}

Node& Inventory::node(const std::string& id) {
  const auto [entry, fresh] = nodes_.try_emplace(id);
  if (fresh) entry->second.id = id;
  return entry->second;
}

std::vector<NodeIdentity> Inventory::identities() const {
  std::vector<NodeIdentity> identities;
  for (const auto& [id, node] : nodes_) {
    if (node.report) identities.push_back({id, labels_of(*node.report)});
  }
  return identities;
}

Labels labels_of(const v1::Report& report) {
  constexpr std::size_t kMaxValueBytes = 1024;
  Labels labels;
  for (const auto& [key, value] : report.labels()) {
    if (is_label_key(key) && value.size() <= kMaxValueBytes) labels.emplace(key, value);
  }
  return labels;
}

}  // namespace hivemind::hub
