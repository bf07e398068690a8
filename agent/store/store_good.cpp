// The last good releases, with all that they need to come back without a network.
#include <set>

#include "agent/store/good_release.h"
#include "agent/store/store.h"
#include "common/digest.h"
#include "common/log.h"

namespace hivemind::agent {

std::map<std::string, GoodRelease> Store::stored_good() const {
  std::map<std::string, GoodRelease> releases;
  database_->each("SELECT stack, digest, revision, body FROM good_release", {}, [&](const sqlite::Row& row) {
    releases[row.text(0)] = {row.text(1), row.text(2), {}, {}, row.blob(3)};
  });
  database_->each("SELECT stack, service, config_hash FROM good_service", {},
                  [&](const sqlite::Row& row) { releases[row.text(0)].services[row.text(1)] = row.text(2); });
  database_->each("SELECT stack, service, image_id FROM good_image", {},
                  [&](const sqlite::Row& row) { releases[row.text(0)].images[row.text(1)] = row.text(2); });
  return releases;
}

// What was stored before there were checksums has none.
std::map<std::string, GoodRelease> Store::good_releases() const {
  std::map<std::string, GoodRelease> releases = stored_good();
  std::map<std::string, std::string> checksums;
  database_->each("SELECT stack, sha256 FROM good_release WHERE sha256 <> ''", {},
                  [&](const sqlite::Row& row) { checksums[row.text(0)] = row.text(1); });
  for (auto& [stack, release] : releases) {
    const auto checksum = checksums.find(stack);
    if (checksum == checksums.end() || checksum->second == checksum_of(release)) continue;
    log::error("stack '{}': its last good release is damaged in the store, and cannot come back", stack);
    release.release.clear();
    release.images.clear();
  }
  return releases;
}

// Only what has changed is written: flash wears, and bodies are large.
void Store::save_good_releases(const std::map<std::string, GoodRelease>& releases, const Contents& contents,
                               const SealedSecrets& sealed) {
  const std::map<std::string, GoodRelease> stored = stored_good();
  sqlite::Transaction transaction(*database_);
  for (const auto& [stack, release] : stored) {
    const auto still = releases.find(stack);
    if (still == releases.end() || still->second != release) remove_good(stack);
  }
  for (const auto& [stack, release] : releases) {
    const auto before = stored.find(stack);
    if (before == stored.end() || before->second != release) add_good(stack, release);
  }
  save_good_files(releases, contents);
  save_good_secrets(releases, sealed);
  transaction.commit();
}

void Store::remove_good(const std::string& stack) {
  for (const char* statement :
       {"DELETE FROM good_service WHERE stack = ?", "DELETE FROM good_image WHERE stack = ?",
        "DELETE FROM good_release WHERE stack = ?"}) {
    database_->run(statement, {stack});
  }
}

void Store::add_good(const std::string& stack, const GoodRelease& release) {
  database_->run(
      "INSERT INTO good_release (stack, digest, revision, body, sha256) VALUES (?, ?, ?, ?, ?)",
      {stack, release.digest, release.revision, sqlite::Blob{release.release}, checksum_of(release)});
  for (const auto& [service, hash] : release.services)
    database_->run("INSERT INTO good_service VALUES (?, ?, ?)", {stack, service, hash});
  for (const auto& [service, id] : release.images)
    database_->run("INSERT INTO good_image VALUES (?, ?, ?)", {stack, service, id});
}

// What is there already is not written again, and what no good release names goes.
void Store::save_good_files(const std::map<std::string, GoodRelease>& releases, const Contents& contents) {
  std::set<std::string> unneeded;
  database_->each("SELECT sha256 FROM good_file", {},
                  [&](const sqlite::Row& row) { unneeded.insert(row.text(0)); });
  std::set<std::string> stored = unneeded;
  for (const auto& [stack, release] : releases) {
    for (const std::string& sha256 : files_named_in(release.release)) {
      unneeded.erase(sha256);
      const auto content = contents.find(sha256);
      if (content == contents.end() || !stored.insert(sha256).second) continue;
      database_->run("INSERT INTO good_file VALUES (?, ?)", {sha256, sqlite::Blob{content->second}});
    }
  }
  for (const std::string& sha256 : unneeded)
    database_->run("DELETE FROM good_file WHERE sha256 = ?", {sha256});
}

// A copy that came later may be for another key of the node.
void Store::save_good_secrets(const std::map<std::string, GoodRelease>& releases,
                              const SealedSecrets& sealed) {
  SealedSecrets unneeded = good_secrets();
  for (const auto& [stack, release] : releases) {
    for (const std::string& id : secrets_named_in(release.release)) {
      const auto stored = unneeded.extract(id);
      const auto known = sealed.find(id);
      if (known == sealed.end() || (!stored.empty() && stored.mapped() == known->second)) continue;
      database_->run("INSERT OR REPLACE INTO good_secret VALUES (?, ?, ?)",
                     {id, known->second.name, sqlite::Blob{known->second.sealed}});
    }
  }
  for (const auto& [id, secret] : unneeded) database_->run("DELETE FROM good_secret WHERE id = ?", {id});
}

SealedSecrets Store::good_secrets() const {
  SealedSecrets secrets;
  database_->each("SELECT id, name, sealed FROM good_secret", {}, [&](const sqlite::Row& row) {
    secrets[row.text(0)] = {row.text(1), row.blob(2)};
  });
  return secrets;
}

std::optional<std::string> Store::good_file(const std::string& sha256) {
  std::optional<std::string> content;
  database_->each("SELECT content FROM good_file WHERE sha256 = ?", {sha256},
                  [&](const sqlite::Row& row) { content = row.blob(0); });
  if (content && sha256_hex(*content) != sha256) {
    log::error("the stored content of file '{}' is damaged, and is dropped", sha256);
    database_->run("DELETE FROM good_file WHERE sha256 = ?", {sha256});
    return std::nullopt;
  }
  return content;
}

}  // namespace hivemind::agent
