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

// Who vouches for a node. kNobody: it speaks for itself, on a broker that takes anybody.
enum class Membership { kNobody, kEnrolled, kRevoked };
std::string_view to_string(Membership membership);

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
  Membership membership = Membership::kNobody;
  Labels given_labels = {};               // by its enrolment, or operators since; of one that is enrolled
  std::int64_t certificate_until_ms = 0;  // of its newest certificate
  std::int64_t revoked_at_ms = 0;         // Unix time; 0: not known, or not revoked
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

  // The nodes that are enrolled or have reported, without those that were revoked, with their labels, sorted:
  // what stacks are selected for.
  std::vector<NodeIdentity> identities() const;

 private:
  Nodes nodes_;
};

// Those that the hub has given to a node that is enrolled: what it reports of itself counts for nothing. Of
// any other node, those of its report that are well-formed.
Labels labels_of(const Node& node);

}  // namespace hivemind::hub
