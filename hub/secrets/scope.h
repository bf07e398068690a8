#pragma once

#include <compare>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "hub/desired/fleet.h"

namespace hivemind::hub {

// For whom a value is meant. Where several are under one name, the most specific one counts: of a node, of
// nodes with labels (more of them before fewer), of a stack, of the fleet.
struct SecretScope {
  enum class Kind { kFleet, kStack, kSelector, kNode };
  Kind kind = Kind::kFleet;
  std::string of{};  // the stack or the node
  Labels labels{};   // of a selector; not empty
  auto operator<=>(const SecretScope&) const = default;

  // "fleet", "stack:web", "selector:rack=7,site=berlin", "node:pi-1". Throws kInvalid, saying what there is.
  static SecretScope parse(std::string_view text);
  std::string text() const;
  // "node 'pi-1'"
  std::string description() const;

  bool holds_for(std::string_view stack, const NodeIdentity& node) const;
};

// Of those that hold for the stack on the node the index of the one that counts; -1: none does. Two selectors
// with as many labels: the first by its text.
int most_specific(const std::vector<SecretScope>& scopes, std::string_view stack, const NodeIdentity& node);

}  // namespace hivemind::hub
