#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "hub/desired/diagnostic.h"
#include "hub/desired/environment.h"
#include "hub/desired/snapshot.h"

// stacks.yml: which stacks there are and which nodes run them.
namespace hivemind::hub {

using Labels = std::map<std::string, std::string, std::less<>>;

// A node as the hub knows it. Labels come from the agent; those that stacks.yml gives win.
struct NodeIdentity {
  std::string id;
  Labels labels;
  bool operator==(const NodeIdentity&) const = default;
};

// All label requirements must hold, each for one of its values; with ids, the node must be one of them.
// Empty: every node.
struct Selector {
  std::map<std::string, std::vector<std::string>, std::less<>> labels;
  std::vector<std::string> ids;  // sorted
  bool selects(const NodeIdentity& node) const;
};

// A variable whose value is a secret's.
struct SecretVariable {
  std::string secret;
  Location location;
};
using SecretVariables = std::map<std::string, SecretVariable, std::less<>>;

struct StackEntry {
  std::string name;
  Location location;
  std::vector<std::string> compose_files;  // from the repository's root
  std::vector<std::string> env_files;      // from the repository's root
  bool enabled = true;
  Selector nodes;
  Variables vars;
  std::string rollout;  // empty: all at once
  std::vector<std::string> profiles;
  UnsetVariables unset_variables = UnsetVariables::kError;
  bool pin = false;  // images are resolved to digests at release time
  SecretVariables secret_vars{};
};

struct NodeEntry {
  Labels labels;
  Variables vars;
  SecretVariables secret_vars{};
};

// A share of the selected nodes, or a count.
struct Wave {
  int amount = 0;
  bool percent = false;
};

struct RolloutPolicy {
  std::vector<Wave> waves;
  std::chrono::seconds soak{0};
  int max_failed = 0;
  bool revert = false;  // revert: auto
};

struct Fleet {
  std::vector<StackEntry> stacks;  // in the order of the file
  std::map<std::string, NodeEntry, std::less<>> nodes;
  std::map<std::string, RolloutPolicy, std::less<>> rollouts;
};

inline constexpr std::string_view kFleetFile = "stacks.yml";

// Reads <directory>/stacks.yml. Nothing when it is absent or has an error: then nothing changes anywhere.
std::optional<Fleet> load_fleet(const Snapshot& snapshot, std::string_view directory,
                                Diagnostics& diagnostics);

// The nodes that the file names, under 'nodes' or in a selector's ids. They get a manifest before they were
// ever seen.
std::set<std::string> named_nodes(const Fleet& fleet);

}  // namespace hivemind::hub
