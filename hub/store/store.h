#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/sqlite/database.h"
#include "hub/desired/pins.h"
#include "hub/desired/release.h"
#include "hub/store/event_log.h"

namespace hivemind::hub {

struct StoredNode {
  std::string id;
  bool online = false;
  std::int64_t seen_at_ms = 0;        // Unix time
  std::optional<std::string> report;  // a serialized hivemind.v1.Report
};

struct StoredAssignment {
  std::string node;
  std::string stack;
  std::string digest;
};

struct StoredManifest {
  std::string node;
  std::uint64_t generation = 0;
  std::string revision;
  std::string envelope_sha256;
  bool published = false;  // the broker has acknowledged it
};

// A manifest that takes the place of the node's former one; not published yet.
struct NewManifest {
  std::string node;
  std::uint64_t generation = 0;
  std::string revision;
  std::string envelope;
  std::string envelope_sha256;
};

// All that acting on a revision changes, in one transaction: after a crash either all of it is there or
// nothing.
struct RevisionChange {
  std::string revision;              // the one acted on
  std::vector<ReleasePtr> releases;  // with their revision set; those that are there already are left alone
  std::map<std::string, std::map<std::string, std::string>>
      assignments;  // node -> stack -> digest, whole for each node
  std::vector<NewManifest> manifests;
  std::set<std::string> pins_outdated;  // stacks whose pins are forgotten
  std::string registry_logins = {};     // fingerprint of those that the manifests carry from now on
};

// What came in over MQTT since the last time.
struct IntakeChange {
  std::vector<StoredNode> nodes;
  std::vector<EventBatch> events;
  std::vector<std::pair<std::string, std::uint64_t>> published;  // node and generation
  bool empty() const { return nodes.empty() && events.empty() && published.empty(); }
};

// The hub's memory: <directory>/hub.db. A commit is on the disk when it returns.
//
// Thread: the loop's. Errors: those of sqlite::Database; a call that throws has changed nothing.
class Store {
 public:
  explicit Store(const std::filesystem::path& directory);

  // Of the last commit; empty: none had logins.
  std::string registry_logins();
  std::optional<std::string> meta(std::string_view key);
  void set_meta(std::string_view key, std::string_view value);

  std::vector<StoredNode> nodes();
  std::vector<StoredAssignment> assignments();
  std::vector<StoredManifest> manifests();
  // Those that nodes are assigned to, with their files.
  std::vector<ReleasePtr> releases();
  // The commit in which a digest first appeared, also when no node runs it any more.
  std::optional<std::string> first_revision(std::string_view digest);
  // Of the node's newest manifest. Throws kNotFound.
  std::string envelope(std::string_view node);
  // The revision that was last acted on; empty: none.
  std::string acted_revision();

  FleetPins pins();
  void set_pin(const std::set<std::string>& stacks, const std::string& reference, const Pin& pin);

  void commit(const RevisionChange& change);
  // The batches' events that are already there are passed over.
  void commit(const IntakeChange& change);

  EventLog& events() { return events_; }

 private:
  void write_release(const CompiledRelease& compiled);
  void write_assignments(const std::string& node, const std::map<std::string, std::string>& digests);
  void forget_unassigned();
  Files files_of(const std::string& digest, std::map<std::string, std::shared_ptr<const std::string>>& known);

  sqlite::Database database_;
  EventLog events_;
};

}  // namespace hivemind::hub
