// What the hub does about its signing key, and when its memory turns out to be older than its fleet.
#include <algorithm>

#include "common/digest.h"
#include "common/error.h"
#include "common/log.h"
#include "hub/clock.h"
#include "hub/hub.h"

namespace hivemind::hub {
namespace {

constexpr std::string_view kGuard = "restore_guard";

}  // namespace

void Hub::load_guard() {
  guard_ = RestoreGuard::parse(store_.meta(kGuard).value_or(""));
  if (has_key(guard_.newer_key())) guard_.note_own_key();
  for (const auto& [node, manifest] : guard_.found()) number_above(node, manifest.generation);
  if (guard_.held()) delivery_.hold();
  if (guard_.held()) log::warn("held: {}", guard_.reason());
  // The key may be another one than when these came in.
  for (const auto& [id, node] : inventory_.nodes()) {
    if (node.report) guard_stamp(id);
  }
  show_trust();
  try {
    if (publisher_.is_outdated()) sign_anew();
  } catch (const Error& error) {
    store_failed(error);  // tried again with what comes in
  }
}

bool Hub::has_key(std::string_view id) const {
  return std::ranges::any_of(identity_.history(), [&](const KeyRecord& one) { return one.key.id() == id; });
}

// A report has another stamp or key than the one before.
void Hub::guard_report(const std::string& node) {
  const std::string& key = inventory_.find(node)->report->hub_key();
  if (!key.empty() && !has_key(key) && is_worth_telling(node, "key"))
    log::warn("node '{}' obeys a key that this hub does not have (see 'hivemind status')", node);
  guard_stamp(node);
}

// The stamp in a report proves that its node has a manifest that this hub does not remember.
void Hub::guard_stamp(const std::string& node) {
  const auto stamp = opened_stamp(identity_.history(), node, inventory_.find(node)->report->stamp());
  if (stamp && is_forgotten(*stamp)) note_forgotten(*stamp);
}

// A claim without proof is the node's own affair: it is numbered above, and nobody else is held up by it. A
// node that obeys another key would refuse that as well, so nothing is made of its numbers.
void Hub::guard_node(const std::string& node, std::uint64_t generation) {
  const std::string& key = inventory_.find(node)->report->hub_key();
  if (!key.empty() && !has_key(key)) return;
  if (!publisher_.note_generation(node, generation)) return;
  if (is_worth_telling(node, "generation"))
    log::warn("node '{}' has generation {}, as it says, which this hub has not made: going on above it", node,
              generation);
  flush_soon();
}

// The broker has a manifest that is not the node's newest one. One that is not of ours is written over when
// all have been seen.
void Hub::guard_manifest(const std::string& node, const std::string& envelope) {
  const auto found = opened_manifest(identity_.history(), node, envelope);
  if (found && is_forgotten(*found)) note_forgotten(*found);
}

// What is remembered of a node's newest manifests is whole: a manifest of ours that is not among them was
// made by a hub that this one does not remember to have been. So the numbers that were left out to go on
// above a mere claim count as forgotten, should there be proof of them later, and so do those that were
// counted twice.
bool Hub::is_forgotten(const ForgottenManifest& manifest) {
  const Node* const known = inventory_.find(manifest.node);
  const std::uint64_t newest = known != nullptr ? known->desired.generation : 0;
  if (!manifest.newer_key.empty() || manifest.generation > newest) return true;
  try {
    const auto issue = store_.issue(manifest.node, manifest.generation);
    return issue && *issue != StoredIssue{manifest.generation, manifest.issued_at_ms};
  } catch (const Error& error) {
    log::warn("what was issued to node '{}' cannot be read: {}", manifest.node, error.what());
    return false;
  }
}

void Hub::number_above(const std::string& node, std::uint64_t generation) {
  const bool is_higher = publisher_.note_generation(node, generation);
  if (!is_higher && inventory_.node(node).desired.generation == generation) publisher_.note_double(node);
}

void Hub::note_forgotten(ForgottenManifest manifest) {
  manifest.known = inventory_.node(manifest.node).desired.generation;
  const bool was_held = guard_.held();
  const bool is_news = guard_.note(manifest, unix_now_ms());
  number_above(manifest.node, manifest.generation);
  flush_soon();
  if (!is_news) return;
  guard_stored_ = false;
  delivery_.hold();
  if (!was_held) {
    log::error("held: {}", guard_.reason());
    tracker_.recompile_soon();
  }
  show_trust();
  changed_now();
}

// Whatever the repository says is newer than this hub's memory; but what is compiled with that memory
// (labels, secrets, the last good release of a stack that fails now) is not.
void Hub::hold_back(const GitOutcome& outcome) {
  status_.desired.state = DesiredStatus::State::kHeld;
  status_.desired.text = guard_.reason();
  judged_ = outcome.head;
  changed_now();
}

// Behind the intake's transaction: numbers manifests above what was seen, or signs them with a new key.
// Returns whether there are new ones. Throws what Store throws.
bool Hub::sign_anew() {
  if (is_resuming_) return false;
  if (!guard_stored_) store_.set_meta(kGuard, guard_.text());
  guard_stored_ = true;
  if (guard_.held()) return false;
  const std::int64_t now_ms = unix_now_ms();
  if (publisher_.is_outdated()) {
    const std::size_t count = publisher_.sign_anew(now_ms).size();
    log::info("{} manifests are signed with key '{}'", count, identity_.key().verify_key().id());
    return count > 0;
  }
  return !publisher_.reissue(now_ms).empty();
}

void Hub::rotate_key() {
  if (guard_.held()) throw Error(ErrorCode::kConflict, "the hub holds back: {}", guard_.reason());
  const std::string before = identity_.key().verify_key().id();
  identity_.rotate(unix_now_ms());
  log::info("the signing key '{}' has given way to '{}'", before, identity_.key().verify_key().id());
  publisher_.note_new_key();
  show_trust();
  changed_now();
  flush();  // a disk that is full now is tried again; until then the nodes keep what the old key has signed
}

// What the hub has of before must not be numbered above what the nodes run, so it is let go on only together
// with a newest revision that was acted on. Nothing is sent meanwhile.
boost::asio::awaitable<SyncResult> Hub::act_held() {
  const RestoreGuard held = guard_;
  is_resuming_ = true;
  guard_.resume(unix_now_ms());
  judged_.clear();
  status_.desired.state = DesiredStatus::State::kNone;
  status_.desired.text.clear();
  tracker_.recompile_soon();
  SyncResult result;
  try {
    result = co_await tracker_.sync(ConfirmEmpty::kNo);
    const bool is_acted =
        result.state == SyncResult::State::kApplied || result.state == SyncResult::State::kUnchanged;
    if (!is_acted) {
      throw Error(ErrorCode::kConflict,
                  "the newest revision is not acted on, so the hub goes on holding, for its backup would be "
                  "all that it has: {}",
                  result.error);
    }
    store_.set_meta(kGuard, guard_.text());
  } catch (...) {
    is_resuming_ = false;
    guard_ = held;
    guard_stored_ = false;
    delivery_.hold();
    for (const auto& [id, node] : inventory_.nodes()) {
      if (node.report) guard_stamp(id);  // of those that came meanwhile
    }
    tracker_.recompile_soon();
    throw;
  }
  is_resuming_ = false;
  co_return result;
}

boost::asio::awaitable<SyncResult> Hub::resume() {
  std::map<std::string, std::uint64_t> before;
  for (const auto& [id, node] : inventory_.nodes()) before[id] = node.desired.generation;
  if (!guard_.held()) throw Error(ErrorCode::kConflict, "the hub does not hold back");
  const SyncResult looked = co_await tracker_.sync(ConfirmEmpty::kNo);
  if (looked.state == SyncResult::State::kFetchFailed) {
    throw Error(ErrorCode::kUnavailable, "the newest revision cannot be had, so the hub goes on holding: {}",
                looked.error);
  }
  if (!guard_.held() || is_resuming_)
    throw Error(ErrorCode::kConflict, "the hub does not hold back");  // two asked at once
  SyncResult result = co_await act_held();
  log::info("an operator has let the hub go on");
  if (looked_at_broker_) delivery_.let_go();
  show_trust();
  changed_now();
  flush();  // numbers above what was found
  result.published.clear();
  for (const auto& [id, node] : inventory_.nodes()) {
    if (node.desired.generation > before[id]) result.published.push_back(id);
  }
  const bool is_more = result.state == SyncResult::State::kUnchanged && !result.published.empty();
  if (is_more) result.state = SyncResult::State::kApplied;
  co_return result;
}

void Hub::show_trust() {
  TrustStatus& trust = status_.trust;
  trust = {};
  for (const KeyRecord& record : identity_.history()) {
    trust.keys.push_back(
        {record.key.id(), sha256_hex(record.key.bytes()), record.key.text(), record.made_at_ms});
  }
  trust.held_since_ms = guard_.since_ms();
  trust.held_text = guard_.reason();
  for (const auto& [node, manifest] : guard_.found())
    trust.ahead.push_back({node, manifest.generation, manifest.known});
}

}  // namespace hivemind::hub
