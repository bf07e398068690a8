#include "hub/store/store.h"

#include <sstream>

#include "common/error.h"
#include "hub/desired/secrets.h"
#include "hub/store/schema.h"

namespace hivemind::hub {
namespace {

constexpr std::string_view kActedRevision = "acted_revision";
constexpr std::string_view kRegistryLogins = "registry_logins";

sqlite::Blob blob(const std::string& bytes) {
  return sqlite::Blob{bytes};
}

std::int64_t integer(std::uint64_t number) {
  return static_cast<std::int64_t>(number);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

}  // namespace

Store::Store(const std::filesystem::path& directory)
    : database_(directory / "hub.db", sqlite::Durability::kFull, store_migrations()),
      events_(database_),
      enrolment_(database_),
      secrets_(database_) {}

std::optional<std::string> Store::meta(std::string_view key) {
  std::optional<std::string> value;
  database_.each("SELECT value FROM meta WHERE key = ?", {key},
                 [&](const sqlite::Row& row) { value = row.text(0); });
  return value;
}

void Store::set_meta(std::string_view key, std::string_view value) {
  database_.run(
      "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
      {key, value});
}

std::string Store::registry_logins() {
  return meta(kRegistryLogins).value_or("");
}

std::string Store::acted_revision() {
  return meta(kActedRevision).value_or("");
}

std::vector<StoredNode> Store::nodes() {
  std::vector<StoredNode> nodes;
  database_.each("SELECT id, online, seen_at_ms, report FROM nodes ORDER BY id", {},
                 [&](const sqlite::Row& row) {
                   StoredNode node{row.text(0), row.integer(1) != 0, row.integer(2), std::nullopt};
                   if (!row.is_null(3)) node.report = row.blob(3);
                   nodes.push_back(std::move(node));
                 });
  return nodes;
}

std::vector<StoredAssignment> Store::assignments() {
  std::vector<StoredAssignment> assignments;
  database_.each("SELECT node, stack, digest FROM assignments ORDER BY node, stack", {},
                 [&](const sqlite::Row& row) {
                   assignments.push_back({row.text(0), row.text(1), row.text(2)});
                 });
  return assignments;
}

std::vector<StoredManifest> Store::manifests() {
  std::vector<StoredManifest> manifests;
  database_.each("SELECT node, generation, revision, envelope_sha256, published FROM manifests ORDER BY node",
                 {}, [&](const sqlite::Row& row) {
                   manifests.push_back({row.text(0), static_cast<std::uint64_t>(row.integer(1)), row.text(2),
                                        row.text(3), row.integer(4) != 0});
                 });
  return manifests;
}

std::vector<ReleasePtr> Store::releases() {
  std::vector<ReleasePtr> releases;
  Files known;
  database_.each("SELECT digest, body FROM releases WHERE body IS NOT NULL ORDER BY digest", {},
                 [&](const sqlite::Row& row) {
                   auto compiled = std::make_shared<CompiledRelease>();
                   if (!compiled->release.ParseFromString(row.blob(1))) {
                     throw Error(ErrorCode::kCorrupt, "release '{}' in the hub's database does not parse",
                                 row.text(0));
                   }
                   compiled->files = files_of(row.text(0), known);
                   releases.push_back(std::move(compiled));
                 });
  return releases;
}

// Releases share the files that they have in common, as they did when they were compiled.
Files Store::files_of(const std::string& digest, Files& known) {
  Files files;
  database_.each(
      "SELECT f.sha256, f.content FROM release_files r JOIN files f ON f.sha256 = r.sha256 WHERE r.digest = "
      "?",
      {digest}, [&](const sqlite::Row& row) {
        const auto [file, fresh] = known.try_emplace(row.text(0));
        if (fresh) file->second = std::make_shared<const std::string>(row.blob(1));
        files.insert(*file);
      });
  return files;
}

std::optional<std::string> Store::first_revision(std::string_view digest) {
  std::optional<std::string> revision;
  database_.each("SELECT revision FROM releases WHERE digest = ?", {digest},
                 [&](const sqlite::Row& row) { revision = row.text(0); });
  return revision;
}

std::string Store::envelope(std::string_view node) {
  std::optional<std::string> envelope;
  database_.each("SELECT envelope FROM manifests WHERE node = ?", {node},
                 [&](const sqlite::Row& row) { envelope = row.blob(0); });
  if (!envelope) throw Error(ErrorCode::kNotFound, "node '{}' has no manifest", node);
  return std::move(*envelope);
}

std::optional<StoredIssue> Store::issue(std::string_view node, std::uint64_t generation) {
  std::optional<StoredIssue> issue;
  database_.each(
      "SELECT generation, at_ms FROM issues WHERE node = ? AND generation <= ? ORDER BY generation DESC "
      "LIMIT "
      "1",
      {node, integer(generation)}, [&](const sqlite::Row& row) {
        issue = StoredIssue{static_cast<std::uint64_t>(row.integer(0)), row.integer(1)};
      });
  return issue;
}

FleetPins Store::pins() {
  FleetPins pins;
  database_.each("SELECT stack, reference, digest, platforms FROM pins", {}, [&](const sqlite::Row& row) {
    pins[row.text(0)][row.text(1)] = {row.text(2), lines_of(row.text(3))};
  });
  return pins;
}

void Store::set_pin(const std::set<std::string>& stacks, const std::string& reference, const Pin& pin) {
  const std::string platforms = fmt::format("{}", fmt::join(pin.platforms, "\n"));
  sqlite::Transaction transaction(database_);
  for (const std::string& stack : stacks) {
    database_.run(
        "INSERT INTO pins (stack, reference, digest, platforms) VALUES (?, ?, ?, ?) ON CONFLICT (stack, "
        "reference) DO UPDATE SET digest = excluded.digest, platforms = excluded.platforms",
        {stack, reference, pin.digest, platforms});
  }
  transaction.commit();
}

void Store::commit(const RevisionChange& change) {
  sqlite::Transaction transaction(database_);
  for (const ReleasePtr& release : change.releases) write_release(*release);
  for (const auto& [node, digests] : change.assignments) write_assignments(node, digests);
  for (const NewManifest& manifest : change.manifests) write_manifest(manifest);
  for (const SecretValueRow& value : change.secret_values) secrets_.write_value(value);
  if (!change.assignments.empty()) forget_unassigned();
  for (const std::string& stack : change.pins_outdated) {
    database_.run("DELETE FROM pins WHERE stack = ?", {stack});
  }
  set_meta(kActedRevision, change.revision);
  set_meta(kRegistryLogins, change.registry_logins);
  transaction.commit();
}

void Store::write_manifest(const NewManifest& manifest) {
  database_.run(
      "INSERT INTO manifests (node, generation, revision, envelope, envelope_sha256, published) "
      "VALUES (?, ?, ?, ?, ?, 0) ON CONFLICT (node) DO UPDATE SET generation = excluded.generation, "
      "revision = excluded.revision, envelope = excluded.envelope, envelope_sha256 = "
      "excluded.envelope_sha256, "
      "published = 0",
      {manifest.node, integer(manifest.generation), manifest.revision, blob(manifest.envelope),
       manifest.envelope_sha256});
  secrets_.write_sealed_to(manifest.node, manifest.sealed_to);
  database_.run("INSERT OR REPLACE INTO issues (node, generation, at_ms) VALUES (?, ?, ?)",
                {manifest.node, integer(manifest.generation), manifest.issued_at_ms});
  database_.run(
      "DELETE FROM issues WHERE node = ? AND generation <= "
      "(SELECT generation FROM issues WHERE node = ? ORDER BY generation DESC LIMIT 1 OFFSET ?)",
      {manifest.node, manifest.node, kIssuesOfNode});
}

void Store::write_release(const CompiledRelease& compiled) {
  const v1::Release& release = compiled.release;
  database_.run(
      "INSERT INTO releases (digest, stack, revision, body) VALUES (?, ?, ?, ?) "
      "ON CONFLICT (digest) DO UPDATE SET body = excluded.body",
      {release.digest(), release.stack(), release.revision(), blob(release.SerializeAsString())});
  for (const auto& [sha256, content] : compiled.files) {
    database_.run("INSERT OR IGNORE INTO files (sha256, content) VALUES (?, ?)", {sha256, blob(*content)});
    database_.run("INSERT OR IGNORE INTO release_files (digest, sha256) VALUES (?, ?)",
                  {release.digest(), sha256});
  }
  for (const std::string& id : secret_ids(release)) secrets_.write_use(release.digest(), id);
}

void Store::write_assignments(const std::string& node, const std::map<std::string, std::string>& digests) {
  database_.run("DELETE FROM assignments WHERE node = ?", {node});
  for (const auto& [stack, digest] : digests) {
    database_.run("INSERT INTO assignments (node, stack, digest) VALUES (?, ?, ?)", {node, stack, digest});
  }
}

void Store::forget_unassigned() {
  database_.run(
      "UPDATE releases SET body = NULL WHERE body IS NOT NULL AND digest NOT IN (SELECT digest FROM "
      "assignments)");
  database_.run("DELETE FROM release_files WHERE digest NOT IN (SELECT digest FROM assignments)");
  database_.run("DELETE FROM files WHERE sha256 NOT IN (SELECT sha256 FROM release_files)");
  secrets_.forget_unassigned();
}

void Store::commit(const IntakeChange& change) {
  if (change.empty()) return;
  sqlite::Transaction transaction(database_);
  for (const StoredNode& node : change.nodes) {
    database_.run(
        "INSERT INTO nodes (id, online, seen_at_ms, report) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE "
        "SET "
        "online = excluded.online, seen_at_ms = excluded.seen_at_ms, report = coalesce(excluded.report, "
        "report)",
        {node.id, std::int64_t{node.online}, node.seen_at_ms,
         node.report ? sqlite::Value(blob(*node.report)) : sqlite::Value(nullptr)});
  }
  for (const EventBatch& batch : change.events) events_.append(batch);
  for (const auto& [node, generation] : change.published) {
    database_.run("UPDATE manifests SET published = 1 WHERE node = ? AND generation = ?",
                  {node, integer(generation)});
  }
  transaction.commit();
}

}  // namespace hivemind::hub
