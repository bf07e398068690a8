#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hivemind/v1/report.pb.h"
#include "hub/desired/fleet.h"

// What the hub knows of its nodes. Values only: no I/O, no clock.
namespace hivemind::hub {

enum class Presence { kOffline, kOnline };

// The newest manifest of a node. generation 0: none yet.
struct ManifestPosition {
  std::uint64_t generation = 0;
  std::string revision;
  bool operator==(const ManifestPosition&) const = default;
};

struct AssignedRelease {
  std::string digest;
  std::string revision;  // the commit in which the content first appeared
  bool operator==(const AssignedRelease&) const = default;
};

struct Node {
  std::string id;
  Presence presence = Presence::kOffline;
  std::int64_t seen_at_ms = 0;               // Unix time; 0: never
  std::shared_ptr<const v1::Report> report;  // the newest; null: none yet
  // How far its clock is ahead of the hub's, as of its last report that came fresh; nothing: not known.
  std::optional<std::int64_t> clock_offset_ms = {};
  ManifestPosition desired;
  std::map<std::string, AssignedRelease> stacks;  // what the newest manifest holds, by stack
};

class Inventory {
 public:
  using Nodes = std::map<std::string, Node, std::less<>>;

  const Nodes& nodes() const { return nodes_; }
  const Node* find(std::string_view id) const;
  // Makes the node when it is not there.
  Node& node(const std::string& id);

  // The nodes that have reported, with the labels that they reported, sorted: what stacks are selected for.
  std::vector<NodeIdentity> identities() const;

 private:
  Nodes nodes_;
};

// Labels of a report that are well-formed; the others are left out.
Labels labels_of(const v1::Report& report);

}  // namespace hivemind::hub
