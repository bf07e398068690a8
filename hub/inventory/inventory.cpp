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
    if (node.membership == Membership::kRevoked) continue;
    if (node.report || node.membership == Membership::kEnrolled) identities.push_back({id, labels_of(node)});
  }
  return identities;
}

std::string_view to_string(Membership membership) {
  switch (membership) {
    case Membership::kNobody:
      return "reported";
    case Membership::kEnrolled:
      return "enrolled";
    case Membership::kRevoked:
      return "revoked";
  }
  return "reported";
}

Labels labels_of(const Node& node) {
  constexpr std::size_t kMaxValueBytes = 1024;
  if (node.membership != Membership::kNobody) return node.given_labels;
  Labels labels;
  if (!node.report) return labels;
  for (const auto& [key, value] : node.report->labels()) {
    if (is_label_key(key) && value.size() <= kMaxValueBytes) labels.emplace(key, value);
  }
  return labels;
}

}  // namespace hivemind::hub
