#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "hub/desired/claims.h"
#include "hub/desired/diagnostic.h"
#include "hub/desired/node_variables.h"
#include "hub/desired/pins.h"
#include "hub/desired/release.h"

namespace hivemind::hub {

// What compiling a stack came to, and what of the node's variables it depended on.
struct Outcome {
  ReleasePtr release;  // null: there were errors
  Claims claims;       // of the release
  Diagnostics diagnostics;
  std::vector<std::pair<std::string, std::string>>
      read;  // names in the order of reading, with their fingerprints
  std::vector<std::pair<PinRequest, std::optional<Pin>>> pins;  // asked for, and what the answer was
  std::set<std::string> secrets{};                              // names of those that it depended on
  bool needs_secrets = false;         // of the release: a node has to be able to open them
  bool may_differ_next_time = false;  // something outside of the repository failed: it is not remembered
};
using OutcomePtr = std::shared_ptr<const Outcome>;

// Remembers outcomes by the variables that were read. Compiling is a function that reads one name after the
// other, and which one it reads next depends on the values so far: that is a tree of decisions. Walking it
// asks only for names that matter, so nodes that differ in others share an outcome, and no set of names has
// to be known beforehand.
class ReleaseMemo {
 public:
  OutcomePtr find(const NodeVariables& variables) const;
  void insert(OutcomePtr outcome);

  std::vector<OutcomePtr> all() const;

  // Forgets what is not among these.
  void keep(const std::vector<OutcomePtr>& used);
  void clear();

 private:
  // A place in the tree. Flat instead of linked: a stack may read more names than the call stack is deep.
  struct Place {
    std::string name;                                   // what is asked next
    OutcomePtr outcome;                                 // or, at the end
    std::unordered_map<std::string, std::size_t> next;  // fingerprint -> index of a place
  };
  std::vector<Place> places_;  // the first is the root
  std::size_t outcomes_ = 0;
};

}  // namespace hivemind::hub
