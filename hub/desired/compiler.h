#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "hub/desired/diagnostic.h"
#include "hub/desired/fleet.h"
#include "hub/desired/pins.h"
#include "hub/desired/release.h"
#include "hub/desired/secrets.h"
#include "hub/desired/snapshot.h"

namespace hivemind::hub {

// What one node should run of one stack.
struct Assignment {
  std::string stack;
  ReleasePtr release;  // null: it does not compile for this node, which keeps what it has
};

struct Compilation {
  std::string revision;
  bool valid = false;       // false: stacks.yml is absent or broken, and nothing changes
  Diagnostics diagnostics;  // sorted by location; one that concerns several nodes stands once
  std::map<std::string, std::vector<Assignment>>
      nodes;                            // node -> assignments sorted by stack; every node is in it
  std::vector<std::string> stacks;      // enabled stacks, sorted
  std::size_t compiled = 0;             // releases made anew, not taken from the cache
  std::set<PinRequest> pins_wanted;     // which no release can be made without
  std::set<std::string> pins_outdated;  // stacks whose pins, and those on their way, hold no more
  std::map<std::string, std::set<std::string>> secret_uses;  // secret -> stacks that ask for it
};

// The digests that are known.
struct KnownPins {
  FleetPins pins;
  // What has changed since they were made. A stack that reads any of it is to have new ones.
  // Nothing: not known, and all of them are outdated.
  std::optional<std::set<std::string>> changed = std::set<std::string>();
};

// Turns a snapshot and the fleet's nodes into releases. Pure apart from reading the snapshot, and
// incremental: a stack is compiled again only when a file that it read, its entry, or a variable that it read
// has changed. Nodes that agree on the variables that a stack reads share one release.
//
// Thread: any one at a time (the hub's compile worker).
class Compiler {
 public:
  explicit Compiler(std::string directory);  // git.path
  ~Compiler();
  Compiler(const Compiler&) = delete;
  Compiler& operator=(const Compiler&) = delete;

  // changed: the paths that differ from the snapshot of the last call; nothing: not known, look at all of
  // them. known: null where no registry can be asked; images then stay as they are written.
  // secrets: null where there is no hub, and they are taken for granted.
  Compilation compile(const Snapshot& snapshot, std::span<const NodeIdentity> nodes,
                      const std::optional<std::set<std::string>>& changed, const KnownPins* known = nullptr,
                      const SecretBook* secrets = nullptr);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hivemind::hub
