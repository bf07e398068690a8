#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/plan/desired.h"
#include "agent/plan/observed.h"
#include "agent/plan/past.h"
#include "common/error.h"
#include "common/sqlite/database.h"
#include "hivemind/v1/report.pb.h"

namespace hivemind::agent {

// What the agent must know after a restart, in <data-dir>/agent.db. Every change is on the disk when the call
// returns.
//
// Loop thread. Errors: kExhausted when the disk is full, kUnavailable when it cannot be read or written,
// kCorrupt when the file is damaged. After an error nothing of the call has happened.
class Store {
 public:
  static constexpr const char* kFile = "agent.db";
  // Where nobody takes events for very long, new ones are given up, never those that have a number.
  static constexpr std::uint64_t kMostEvents = 20'000;

  // A store of its own from the first: opens it, or makes an empty one.
  explicit Store(const std::filesystem::path& data_directory);

  static constexpr int kMostSetAside = 5;

  // Whether a store that fails with this is of no use any more, as opposed to one that cannot be used now.
  // Whatever SQLite says of a statement that has worked before (no such table, a constraint, an unknown
  // schema) is damage.
  static bool is_damage(ErrorCode code);

  // Renames a damaged store to agent.db.corrupt-<n>, the first n that is free, so that a new one can be made;
  // the last of them is replaced, so that a disk that damages them on and on is not filled. What was in it
  // comes back by the retained manifest and the labels of the containers.
  static std::filesystem::path set_aside(const std::filesystem::path& data_directory);

  // One transaction for all that is written within: none of it where one fails.
  void together(const std::function<void()>& writes);

  // The envelope as it came; it is verified again by whoever reads it.
  std::optional<std::string> manifest() const;
  void save_manifest(std::uint64_t generation, const std::string& envelope);

  // The newest report, which is what 'status' shows.
  std::optional<v1::Report> report() const;
  void save_report(const v1::Report& report);

  // The newest manifest that was applied whole, and its stacks' digests (applied and stacks of the report are
  // set).
  std::optional<v1::Report> applied() const;
  void save_applied(const v1::Report& applied);

  // One that is damaged comes without its body and images: it cannot come back.
  std::map<std::string, GoodRelease> good_releases() const;
  // With what their files hold and their secrets as they came, as far as those are among the given ones or
  // stored already; what none of them names is removed.
  void save_good_releases(const std::map<std::string, GoodRelease>& releases, const Contents& contents = {},
                          const SealedSecrets& sealed = {});
  // Nothing also for content that is damaged, which is dropped.
  std::optional<std::string> good_file(const std::string& sha256);

  // Of the good releases. Whether one can be opened, only who has the key can tell.
  SealedSecrets good_secrets() const;

  // By stack and digest.
  std::map<std::string, std::map<std::string, FailedRelease>> failed() const;
  void save_failed(const std::map<std::string, std::map<std::string, FailedRelease>>& failed);

  // Digests of the releases whose passage has begun, by stack.
  std::map<std::string, std::string> trials() const;
  void save_trials(const std::map<std::string, std::string>& trials);

  // How services that run once for a release have ended, by stack and Job::label().
  std::map<std::string, std::map<std::string, JobEnd>> jobs() const;
  void save_jobs(const std::map<std::string, std::map<std::string, JobEnd>>& jobs);

  std::set<std::string> completed() const;
  void save_completed(const std::set<std::string>& container_ids);

  // What counts as ours although it carries no label of ours.
  Adopted adopted() const;
  void save_adopted(const Adopted& adopted);

  // Containers whose post_start hooks have run.
  std::set<std::string> hooked() const;
  void save_hooked(const std::set<std::string>& container_ids);

  // What steps have learnt.
  Notices notices() const;
  void save_notices(const Notices& notices);

  // When images were pulled last, Unix time in seconds.
  std::map<std::string, std::int64_t> pulled() const;
  void save_pulled(const std::map<std::string, std::int64_t>& times);

  // Images that this agent has had pulled.
  std::set<PulledImage> images() const;
  void save_images(const std::set<PulledImage>& images);

  // The outbox. The stream is a random id of this store; sequences count from 1 without gaps.
  const std::string& stream() const { return stream_; }
  // Gives the event the next sequence. Nothing when the outbox is full.
  std::optional<std::uint64_t> add_event(v1::Event event);
  std::vector<v1::Event> events_after(std::uint64_t sequence, std::size_t most) const;
  void remove_events_through(std::uint64_t sequence);

 private:
  std::string value(std::string_view key) const;
  void set_value(std::string_view key, std::string_view value);
  void load_stream();
  std::map<std::string, GoodRelease> stored_good() const;  // as it is there
  void remove_good(const std::string& stack);
  void add_good(const std::string& stack, const GoodRelease& release);
  void save_good_files(const std::map<std::string, GoodRelease>& releases, const Contents& contents);
  void save_good_secrets(const std::map<std::string, GoodRelease>& releases, const SealedSecrets& sealed);

  std::unique_ptr<sqlite::Database> database_;
  std::string stream_;
};

}  // namespace hivemind::agent
