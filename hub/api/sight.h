#pragma once

#include <optional>
#include <string>

#include "hub/api/caller.h"
#include "hub/api/operations.h"

// What a caller sees of the fleet. Pure.
namespace hivemind::hub::api {

// With the labels that select stacks for it.
NodeIdentity identity_of(const Node& node, const HubStatus& status);

// Whether the node is in the scope; one that is not known is not.
bool covers_node(const Scope& scope, const Inventory& inventory, const HubStatus& status,
                 const std::string& id);

// Inventory and status with what is outside of the scope left out: nodes, stacks, what nodes report of them,
// and what diagnostics say. For a scope that is the whole fleet it is the hub's own values; these and the
// scope must outlive it, and it must not outlive a suspension.
class Sight {
 public:
  Sight(const Operations& operations, const Scope& scope);
  Sight(const Sight&) = delete;
  Sight& operator=(const Sight&) = delete;

  const Inventory& inventory() const { return inventory_ ? *inventory_ : operations_.inventory(); }
  const HubStatus& status() const { return status_ ? *status_ : operations_.status(); }
  bool covers(const StoredEvent& event) const;

 private:
  void restrict_inventory();
  void restrict_status();

  const Operations& operations_;
  const Scope& scope_;
  std::optional<Inventory> inventory_;  // nothing: the hub's own
  std::optional<HubStatus> status_;
};

}  // namespace hivemind::hub::api
