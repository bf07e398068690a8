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
#include "hub/store/enrolment_table.h"
#include "hub/store/event_log.h"
#include "hub/store/secret_rows.h"

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
  std::string sealed_to = {};     // the node's sealing key; empty: nothing in it is sealed
  std::int64_t issued_at_ms = 0;  // Unix time
};

// That a manifest was issued.
struct StoredIssue {
  std::uint64_t generation = 0;
  std::int64_t at_ms = 0;
  bool operator==(const StoredIssue&) const = default;
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
  std::vector<SecretValueRow> secret_values =
      {};  // that the releases need; those that are there are left alone
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
  static constexpr std::int64_t kIssuesOfNode = 64;  // so many are remembered

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
  // Of what is remembered of the node's manifests, the newest up to this generation.
  std::optional<StoredIssue> issue(std::string_view node, std::uint64_t generation);
  // The revision that was last acted on; empty: none.
  std::string acted_revision();

  FleetPins pins();
  void set_pin(const std::set<std::string>& stacks, const std::string& reference, const Pin& pin);

  void commit(const RevisionChange& change);
  // The batches' events that are already there are passed over.
  void commit(const IntakeChange& change);

  EventLog& events() { return events_; }
  EnrolmentTable& enrolment() { return enrolment_; }
  SecretRows& secrets() { return secrets_; }
  // For those who keep tables of their own in it.
  sqlite::Database& database() { return database_; }

 private:
  void write_manifest(const NewManifest& manifest);
  void write_release(const CompiledRelease& compiled);
  void write_assignments(const std::string& node, const std::map<std::string, std::string>& digests);
  void forget_unassigned();
  Files files_of(const std::string& digest, std::map<std::string, std::shared_ptr<const std::string>>& known);

  sqlite::Database database_;
  EventLog events_;
  EnrolmentTable enrolment_;
  SecretRows secrets_;
};

}  // namespace hivemind::hub
