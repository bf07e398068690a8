#include "agent/store/memory.h"

#include <algorithm>
#include <utility>

#include "common/error.h"
#include "common/log.h"

namespace hivemind::agent {
namespace {

// Events that wait for a disk with space; more are given up, as the outbox would.
constexpr std::size_t kMostUnwritten = 1'000;
// A transaction writes several pages, however little it changes, and events come in bursts. What is lost when
// power is cut before that, the report tells as well.
constexpr std::chrono::milliseconds kBunch{300};  // the report that tells of them is saved before
// Events that are known to the hub are told again when this is lost, and it knows them by their numbers.
constexpr std::chrono::milliseconds kRemoval{2'000};

}  // namespace

Memory::Memory(boost::asio::any_io_executor loop, std::filesystem::path data_directory, Callbacks callbacks)
    : directory_(std::move(data_directory)),
      callbacks_(std::move(callbacks)),
      timer_(loop),
      bunch_timer_(loop) {}

void Memory::open() {
  if (store_ != nullptr) return;
  try {
    open_or_replace();
  } catch (const Error& error) {
    fail(error.what());
    retry_later();
    return;
  }
  callbacks_.on_loaded();
  flush();
  const std::string replaced = std::exchange(replaced_, {});
  if (!replaced.empty() && callbacks_.on_replaced) callbacks_.on_replaced(replaced);
}

void Memory::open_or_replace() {
  try {
    store_ = std::make_unique<Store>(directory_);
    load();
    return;
  } catch (const Error& error) {
    store_.reset();
    if (!Store::is_damage(error.code())) throw;
    set_aside(error.what());
  }
  store_ = std::make_unique<Store>(directory_);
}

// What was read of it before the damage showed goes into the new one. (A manifest is verified by whoever
// reads it.)
void Memory::set_aside(const std::string& why) {
  const auto aside = Store::set_aside(directory_);
  const std::string text = fmt::format("{}: set aside as '{}', a new store is begun", why, aside.string());
  log::error("{}", text);
  removed_.reset();  // numbers of the stream that is gone
  replaced_ = text;
  dirty_.insert({Level::kReport, Level::kGood, Level::kFailed, Level::kTrials, Level::kJobs,
                 Level::kCompleted, Level::kAdopted, Level::kHooked, Level::kPulled, Level::kNotices,
                 Level::kImages});
  if (manifest_) dirty_.insert(Level::kManifest);
  if (applied_) dirty_.insert(Level::kApplied);
}

// What came in while there was no store is newer than what is in it.
void Memory::load() {
  if (!dirty_.contains(Level::kManifest)) manifest_ = store_->manifest();
  if (!dirty_.contains(Level::kReport)) report_ = store_->report();
  if (!dirty_.contains(Level::kApplied)) applied_ = store_->applied();
  good_.merge(store_->good_releases());
  sealed_.merge(store_->good_secrets());
  failed_.merge(store_->failed());
  trials_.merge(store_->trials());
  jobs_.merge(store_->jobs());
  completed_.merge(store_->completed());
  hooked_.merge(store_->hooked());
  pulled_.merge(store_->pulled());
  images_.merge(store_->images());
  if (!dirty_.contains(Level::kNotices)) notices_ = store_->notices();
  if (!dirty_.contains(Level::kAdopted)) adopted_ = store_->adopted();
}

void Memory::close() {
  flush();
  timer_.cancel();
  bunch_timer_.cancel();
}

void Memory::fail(const std::string& why) {
  if (failure_ == why) return;
  failure_ = why;
  log::error("store: {}", why);
  callbacks_.on_failure();
}

void Memory::retry_later() {
  // One that is under way stays: were each new failure to move it, it would never come.
  if (std::exchange(retrying_, true)) return;
  timer_.expires_after(retry_.next());
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    retrying_ = false;
    if (store_ == nullptr) {
      open();
    } else {
      flush();
    }
  });
}

// False when it could not be done; then it is tried again later.
bool Memory::guarded(const std::function<void()>& work) {
  try {
    work();
    return true;
  } catch (const Error& error) {
    if (Store::is_damage(error.code())) rebuild(error.what());
    reopening_ = error.code() == ErrorCode::kUnavailable;
    fail(error.what());
    retry_later();
    return false;
  }
}

// All that is known goes into a new file; only the outbox is lost, which its new stream tells the hub.
void Memory::rebuild(const std::string& why) {
  store_.reset();
  try {
    set_aside(why);
  } catch (const Error& error) {
    log::error("{}", error.what());
  }
}

// At the latest then; whatever else is written takes it along.
void Memory::flush_within(std::chrono::milliseconds delay) {
  const auto due = std::chrono::steady_clock::now() + delay;
  if (bunch_due_ && *bunch_due_ <= due) return;
  bunch_due_ = due;
  bunch_timer_.expires_at(due);
  bunch_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) flush();
  });
}

void Memory::together(const std::function<void()>& saves) {
  gathering_ = true;
  saves();
  gathering_ = false;
  flush();
}

void Memory::flush() {
  if (gathering_) return;
  if (std::exchange(bunch_due_, std::nullopt)) bunch_timer_.cancel();
  if (store_ == nullptr || (dirty_.empty() && events_.empty() && !removed_)) return;
  const bool done = guarded([this] {
    // A connection that was opened on a read-only disk stays read-only when the disk is not any more, and so
    // does any other beside it, as they share the log's index.
    if (std::exchange(reopening_, false)) {
      store_.reset();
      store_ = std::make_unique<Store>(directory_);
    }
    store_->together([this] {
      for (const Level level : dirty_) write(level);
      write_events();
    });
  });
  if (!done) return;
  if (dirty_.contains(Level::kGood)) contents_ = std::make_shared<const Contents>();
  dirty_.clear();
  events_.clear();
  removed_.reset();
  retry_.reset();
  if (!failure_.empty()) {
    failure_.clear();
    log::info("the store can be written again");
    callbacks_.on_failure();
  }
  callbacks_.on_saved();
}

void Memory::write(Level level) {
  switch (level) {
    case Level::kManifest:
      store_->save_manifest(generation_, *manifest_);
      return;
    case Level::kReport:
      if (report_) store_->save_report(*report_);
      return;
    case Level::kApplied:
      store_->save_applied(*applied_);
      return;
    case Level::kGood:
      store_->save_good_releases(good_, *contents_, sealed_);
      return;
    case Level::kFailed:
      store_->save_failed(failed_);
      return;
    case Level::kTrials:
      store_->save_trials(trials_);
      return;
    case Level::kJobs:
      store_->save_jobs(jobs_);
      return;
    case Level::kCompleted:
      store_->save_completed(completed_);
      return;
    case Level::kHooked:
      store_->save_hooked(hooked_);
      return;
    case Level::kNotices:
      store_->save_notices(notices_);
      return;
    case Level::kPulled:
      store_->save_pulled(pulled_);
      return;
    case Level::kImages:
      store_->save_images(images_);
      return;
    case Level::kAdopted:
      store_->save_adopted(adopted_);
      return;
  }
}

void Memory::write_events() {
  if (removed_) store_->remove_events_through(*removed_);
  for (const v1::Event& event : events_) {
    if (!store_->add_event(event)) log::warn("the outbox is full, event '{}' is given up", event.kind());
  }
}

bool Memory::save_manifest(std::uint64_t generation, std::string envelope) {
  generation_ = generation;
  manifest_ = std::move(envelope);
  dirty_.insert(Level::kManifest);
  flush();
  return !manifest_waits();
}

void Memory::save_report(v1::Report report) {
  report_ = std::move(report);
  dirty_.insert(Level::kReport);
  flush();
}

void Memory::save_applied(v1::Report applied) {
  applied_ = std::move(applied);
  dirty_.insert(Level::kApplied);
  flush_within(kBunch);
}

void Memory::save_good(std::map<std::string, GoodRelease> good, std::shared_ptr<const Contents> contents,
                       const SealedSecrets& sealed) {
  if (good == good_) return;
  good_ = std::move(good);
  SealedSecrets needed;
  for (const auto& [stack, release] : good_) {
    for (const std::string& id : secrets_named_in(release.release)) {
      const auto given = sealed.find(id);
      const auto known = given == sealed.end() ? sealed_.find(id) : given;
      if (given != sealed.end() || known != sealed_.end()) needed.insert(*known);
    }
  }
  sealed_ = std::move(needed);
  if (good_waits()) {  // with those of the releases that have waited already
    Contents all = *contents_;
    all.insert(contents->begin(), contents->end());
    contents = std::make_shared<const Contents>(std::move(all));
  }
  contents_ = std::move(contents);
  dirty_.insert(Level::kGood);
  flush();
}

void Memory::save_failed(std::map<std::string, std::map<std::string, FailedRelease>> failed) {
  if (failed == failed_) return;
  failed_ = std::move(failed);
  dirty_.insert(Level::kFailed);
  flush();
}

void Memory::save_trials(std::map<std::string, std::string> trials) {
  if (trials == trials_) return;
  trials_ = std::move(trials);
  dirty_.insert(Level::kTrials);
  flush();
}

void Memory::save_jobs(std::map<std::string, std::map<std::string, JobEnd>> jobs) {
  if (jobs == jobs_) return;
  jobs_ = std::move(jobs);
  dirty_.insert(Level::kJobs);
  flush();
}

std::optional<std::string> Memory::good_file(const std::string& sha256) {
  std::optional<std::string> content;
  const auto waiting = contents_->find(sha256);
  if (waiting != contents_->end()) return waiting->second;
  if (store_ != nullptr) guarded([&] { content = store_->good_file(sha256); });
  return content;
}

std::optional<SealedSecret> Memory::good_secret(const std::string& id) const {
  const auto found = sealed_.find(id);
  return found == sealed_.end() ? std::nullopt : std::optional(found->second);
}

void Memory::save_completed(std::set<std::string> container_ids) {
  if (container_ids == completed_) return;
  completed_ = std::move(container_ids);
  dirty_.insert(Level::kCompleted);
  flush();
}

// Others act on it: it is on the disk, or it is not so.
bool Memory::save_adopted(Adopted adopted) {
  Adopted before = std::exchange(adopted_, std::move(adopted));
  dirty_.insert(Level::kAdopted);
  flush();
  if (!dirty_.contains(Level::kAdopted)) return true;
  adopted_ = std::move(before);
  return false;
}

void Memory::save_hooked(std::set<std::string> container_ids) {
  if (container_ids == hooked_) return;
  hooked_ = std::move(container_ids);
  dirty_.insert(Level::kHooked);
  flush();
}

void Memory::save_notices(Notices notices) {
  if (notices == notices_) return;
  notices_ = std::move(notices);
  dirty_.insert(Level::kNotices);
  flush();
}

void Memory::save_pulled(std::map<std::string, std::int64_t> times) {
  if (times == pulled_) return;
  pulled_ = std::move(times);
  dirty_.insert(Level::kPulled);
  flush();
}

void Memory::save_images(std::set<PulledImage> images) {
  if (images == images_) return;
  images_ = std::move(images);
  dirty_.insert(Level::kImages);
  flush();
}

void Memory::add_event(v1::Event event) {
  if (events_.size() < kMostUnwritten) events_.push_back(std::move(event));
  flush_within(kBunch);
}

std::string Memory::stream() const {
  return store_ == nullptr ? "" : store_->stream();
}

std::vector<v1::Event> Memory::events_after(std::uint64_t sequence, std::size_t most) {
  std::vector<v1::Event> events;
  if (store_ == nullptr) return events;
  guarded([&] { events = store_->events_after(std::max(sequence, removed_.value_or(0)), most); });
  return events;
}

void Memory::remove_events_through(const std::string& stream, std::uint64_t sequence) {
  if (store_ == nullptr || stream != store_->stream()) return;
  removed_ = std::max(sequence, removed_.value_or(0));
  flush_within(kRemoval);
}

}  // namespace hivemind::agent
