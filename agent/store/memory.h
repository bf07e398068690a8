#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "agent/store/store.h"
#include "common/backoff.h"

namespace hivemind::agent {

// The store as the agent uses it: what cannot be written now (a full disk) is kept, told of, and tried again
// until it is on the disk. Holds the newest of everything, so that a store that turns out damaged is replaced
// by a whole one. Loop thread; nothing is thrown after construction.
class Memory {
 public:
  struct Callbacks {
    std::function<void()> on_loaded;   // the store was opened: manifest(), good() and so on hold what it had
    std::function<void()> on_saved;    // something that waited is on the disk
    std::function<void()> on_failure;  // failure() has changed
    // A damaged store was set aside, and a new one is begun; why, and where the old one is.
    std::function<void(const std::string& text)> on_replaced = {};
  };

  Memory(boost::asio::any_io_executor loop, std::filesystem::path data_directory, Callbacks callbacks);

  // Opens the store, or begins to try. Callbacks may run within.
  void open();
  // Last attempt to write what waits.
  void close();

  // Why the store cannot be written; empty: it can.
  const std::string& failure() const { return failure_; }
  bool loaded() const { return store_ != nullptr; }

  // What is saved within is written at once and as a whole, after it.
  void together(const std::function<void()>& saves);

  // Levels: the newest value counts. True when it is on the disk already.
  bool save_manifest(std::uint64_t generation, std::string envelope);
  void save_report(v1::Report report);
  void save_applied(v1::Report applied);  // soon
  // The contents are held until it is written; those of files that are stored already need not be among them,
  // nor need secrets.
  void save_good(std::map<std::string, GoodRelease> good,
                 std::shared_ptr<const Contents> contents = std::make_shared<const Contents>(),
                 const SealedSecrets& sealed = {});
  void save_failed(std::map<std::string, std::map<std::string, FailedRelease>> failed);
  void save_trials(std::map<std::string, std::string> trials);
  void save_jobs(std::map<std::string, std::map<std::string, JobEnd>> jobs);
  void save_completed(std::set<std::string> container_ids);
  void save_hooked(std::set<std::string> container_ids);
  void save_notices(Notices notices);
  void save_pulled(std::map<std::string, std::int64_t> times);
  void save_images(std::set<PulledImage> images);
  // False when it cannot be written: then nothing has changed.
  bool save_adopted(Adopted adopted);

  bool manifest_waits() const { return dirty_.contains(Level::kManifest); }
  bool good_waits() const { return dirty_.contains(Level::kGood); }
  bool jobs_wait() const { return dirty_.contains(Level::kJobs); }
  const std::optional<std::string>& manifest() const { return manifest_; }
  const std::optional<v1::Report>& report() const { return report_; }
  const std::optional<v1::Report>& applied() const { return applied_; }
  const std::map<std::string, GoodRelease>& good() const { return good_; }
  // Of a file of a good release; nothing: it is not there, or cannot be read.
  std::optional<std::string> good_file(const std::string& sha256);
  // Of a good release; nothing: it is not there.
  std::optional<SealedSecret> good_secret(const std::string& id) const;
  const std::map<std::string, std::map<std::string, FailedRelease>>& failed() const { return failed_; }
  const std::map<std::string, std::string>& trials() const { return trials_; }
  const std::map<std::string, std::map<std::string, JobEnd>>& jobs() const { return jobs_; }
  const std::set<std::string>& completed() const { return completed_; }
  const std::set<std::string>& hooked() const { return hooked_; }
  const Notices& notices() const { return notices_; }
  const std::map<std::string, std::int64_t>& pulled() const { return pulled_; }
  const std::set<PulledImage>& images() const { return images_; }
  const Adopted& adopted() const { return adopted_; }

  // The outbox. An event gets its number when it is written, which is soon (on_saved), and those of one burst
  // together.
  void add_event(v1::Event event);
  std::string stream() const;
  std::vector<v1::Event> events_after(std::uint64_t sequence, std::size_t most);
  void remove_events_through(const std::string& stream, std::uint64_t sequence);

 private:
  enum class Level {
    kManifest,
    kReport,
    kApplied,
    kGood,
    kFailed,
    kTrials,
    kJobs,
    kCompleted,
    kAdopted,
    kHooked,
    kPulled,
    kNotices,
    kImages
  };

  void open_or_replace();
  void set_aside(const std::string& why);
  void load();
  void flush();
  void flush_within(std::chrono::milliseconds delay);
  void write(Level level);
  void write_events();
  void rebuild(const std::string& why);
  void fail(const std::string& why);
  void retry_later();
  bool guarded(const std::function<void()>& work);

  std::filesystem::path directory_;
  Callbacks callbacks_;
  std::unique_ptr<Store> store_;
  std::string failure_;
  bool reopening_ = false;  // before the next write
  std::string replaced_;    // what on_replaced is to be told
  std::set<Level> dirty_;
  std::uint64_t generation_ = 0;
  std::optional<std::string> manifest_;
  std::optional<v1::Report> report_;
  std::optional<v1::Report> applied_;
  std::map<std::string, GoodRelease> good_;
  std::shared_ptr<const Contents> contents_ = std::make_shared<const Contents>();  // of good_, until written
  SealedSecrets sealed_;                                                           // of good_
  std::map<std::string, std::map<std::string, FailedRelease>> failed_;
  std::map<std::string, std::string> trials_;
  std::map<std::string, std::map<std::string, JobEnd>> jobs_;
  std::set<std::string> completed_;
  std::set<std::string> hooked_;
  std::map<std::string, std::int64_t> pulled_;
  std::set<PulledImage> images_;
  Notices notices_;
  Adopted adopted_;
  std::vector<v1::Event> events_;  // not written yet
  boost::asio::steady_timer timer_;
  boost::asio::steady_timer bunch_timer_;
  std::optional<std::chrono::steady_clock::time_point> bunch_due_;
  bool gathering_ = false;
  std::optional<std::uint64_t> removed_;  // of the outbox up to here; in the store later
  bool retrying_ = false;
  Backoff retry_{std::chrono::milliseconds(1'000), std::chrono::milliseconds(10'000)};
};

}  // namespace hivemind::agent
