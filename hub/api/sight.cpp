#include "hub/api/sight.h"

#include <algorithm>
#include <iterator>
#include <memory>

namespace hivemind::hub::api {
namespace {

// Without the stacks that are outside of the scope. The text about the node as a whole may name one: it goes,
// and the reason stays.
std::shared_ptr<const v1::Report> restricted(const v1::Report& report, const Scope& scope) {
  auto part = std::make_shared<v1::Report>(report);
  part->clear_text();
  part->clear_stacks();
  for (const v1::StackReport& stack : report.stacks()) {
    if (scope.covers_stack(stack.stack())) *part->add_stacks() = stack;
  }
  return part;
}

void restrict_stacks(Node& node, const Scope& scope) {
  std::erase_if(node.stacks, [&](const auto& entry) { return !scope.covers_stack(entry.first); });
  if (node.report) node.report = restricted(*node.report, scope);
}

}  // namespace

NodeIdentity identity_of(const Node& node, const HubStatus& status) {
  NodeIdentity identity{node.id, labels_of(node)};
  const auto given = status.node_labels.find(node.id);
  if (given == status.node_labels.end()) return identity;
  for (const auto& [key, value] : given->second) identity.labels.insert_or_assign(key, value);
  return identity;
}

bool covers_node(const Scope& scope, const Inventory& inventory, const HubStatus& status,
                 const std::string& id) {
  if (scope.has_all_nodes()) return true;
  const Node* node = inventory.find(id);
  return node != nullptr && scope.nodes.selects(identity_of(*node, status));
}

Sight::Sight(const Operations& operations, const Scope& scope) : operations_(operations), scope_(scope) {
  if (scope_.is_whole()) return;
  restrict_inventory();
  restrict_status();
}

void Sight::restrict_inventory() {
  inventory_.emplace();
  for (const auto& [id, node] : operations_.inventory().nodes()) {
    if (!covers_node(scope_, operations_.inventory(), operations_.status(), id)) continue;
    Node& seen = inventory_->node(id);
    seen = node;
    if (!scope_.has_all_stacks()) restrict_stacks(seen, scope_);
  }
}

void Sight::restrict_status() {
  const HubStatus& whole = operations_.status();
  status_ = whole;
  if (!status_->trust.held_text.empty())  // it names a node, whichever
    status_->trust.held_text =
        "this hub publishes nothing until an administrator has said 'hivemind trust resume'";
  std::erase_if(status_->stacks, [&](const StackEntry& entry) { return !scope_.covers_stack(entry.name); });
  std::erase_if(status_->node_labels,
                [&](const auto& entry) { return inventory_->find(entry.first) == nullptr; });
  status_->diagnostics.clear();
  for (const Diagnostic& diagnostic : whole.diagnostics) {
    // Without a stack it is about a file as a whole, and may quote any part of it.
    if (!scope_.has_all_stacks() && (diagnostic.stack.empty() || !scope_.covers_stack(diagnostic.stack)))
      continue;
    Diagnostic seen = diagnostic;
    std::erase_if(seen.nodes, [&](const std::string& node) { return inventory_->find(node) == nullptr; });
    if (seen.nodes.empty() && !diagnostic.nodes.empty()) continue;
    if (!seen.other_stack.empty() && !scope_.covers_stack(seen.other_stack))
      seen.message = "it conflicts with a stack that is outside of this token's scope";
    status_->diagnostics.push_back(std::move(seen));
  }
}

// Of a node as a whole it is shown to whoever may see all of its stacks.
bool Sight::covers(const StoredEvent& event) const {
  if (scope_.is_whole()) return true;
  if (inventory_->find(event.node) == nullptr) return false;
  return scope_.has_all_stacks() ||
         (!event.event.stack().empty() && scope_.covers_stack(event.event.stack()));
}

}  // namespace hivemind::hub::api
