#include "common/error.h"
#include "common/log.h"
#include "hub/clock.h"
#include "hub/hub.h"

namespace hivemind::hub {
namespace {

constexpr std::chrono::seconds kRegistryPatience{10};
constexpr std::string_view kHowToConfirm =
    "confirm with 'hivemind sync --confirm-empty', or revert the commit";

// What a repository without stacks.yml says once an operator has confirmed it: no node runs anything.
Compilation empty_compilation(const std::string& revision) {
  Compilation compilation;
  compilation.revision = revision;
  compilation.valid = true;
  return compilation;
}

// The first ones; all of them stand in the status.
void tell_errors(const Compilation& compilation) {
  constexpr int kMaxLines = 5;
  int lines = 0;
  for (const Diagnostic& diagnostic : compilation.diagnostics) {
    if (diagnostic.severity == Severity::kError && lines++ < kMaxLines) log::warn("{}", to_text(diagnostic));
  }
}

std::map<std::string, std::uint64_t> generations(const Inventory& inventory) {
  std::map<std::string, std::uint64_t> all;
  for (const auto& [id, node] : inventory.nodes()) all.emplace(id, node.desired.generation);
  return all;
}

SyncResult::State state_of_refusal(DesiredStatus::State state) {
  if (state == DesiredStatus::State::kHeld) return SyncResult::State::kHeld;
  return state == DesiredStatus::State::kUnsigned ? SyncResult::State::kUnsigned
                                                  : SyncResult::State::kInvalid;
}

bool any_release(const Inventory& inventory) {
  for (const auto& [id, node] : inventory.nodes()) {
    if (!node.stacks.empty()) return true;
  }
  return false;
}

}  // namespace

// Registries mostly answer at once, so who syncs is told what came of it, and not that it is on its way. One
// that lets us wait is not waited for.
boost::asio::awaitable<SyncResult> Hub::sync(ConfirmEmpty confirm, RenewPins renew) {
  const std::map<std::string, std::uint64_t> before = generations(inventory_);
  SyncResult result = co_await tracker_.sync(confirm);
  if (renew == RenewPins::kYes) pinning_.renew();
  if (!pinning_.settling()) co_return result;
  const auto deadline = std::chrono::steady_clock::now() + kRegistryPatience;
  while (settling() && std::chrono::steady_clock::now() < deadline) co_await signal_.wait(deadline);
  result.diagnostics = status_.diagnostics;
  result.published.clear();
  for (const auto& [id, generation] : generations(inventory_)) {
    const auto had = before.find(id);
    if (generation > (had == before.end() ? 0 : had->second)) result.published.push_back(id);
  }
  if (result.state == SyncResult::State::kUnchanged && !result.published.empty()) {
    result.state = SyncResult::State::kApplied;
  }
  co_return result;
}

// While the newest revision is refused, nodes that come or change get what the last good one says.
void Hub::prepare(GitTask& task, ConfirmEmpty confirm) {
  task.nodes = inventory_.identities();
  task.pins = pinning_.pins();
  task.acted = status_.desired.revision;
  task.secrets = secrets_.book(reached_nodes());
  if (newest_is_refused() && confirm == ConfirmEmpty::kNo) task.instead = status_.desired.revision;
}

bool Hub::newest_is_refused() const {
  const bool refused = status_.desired.state == DesiredStatus::State::kInvalid ||
                       status_.desired.state == DesiredStatus::State::kUnsigned ||
                       status_.desired.state == DesiredStatus::State::kHeld;
  return refused && judged_ == status_.git.revision;
}

SyncResult Hub::act(const GitOutcome& outcome, ConfirmEmpty confirm) {
  const std::uint64_t version_before = status_.state_version;
  const std::string acted_before = status_.desired.revision;
  note_fetch(outcome);
  SyncResult result;
  result.revision = outcome.head;
  result.changed = outcome.changed;
  if (!outcome.unsigned_because.empty()) refuse_unsigned(outcome);
  if (outcome.compilation) act_on(outcome, confirm, result);
  if (newest_is_refused()) {
    result.state = state_of_refusal(status_.desired.state);
    result.error = status_.desired.text;
  }
  if (outcome.fetch_error || outcome.compile_error) {
    result.state = SyncResult::State::kFetchFailed;
    result.error = status_.git.error;
  }
  result.diagnostics = status_.diagnostics;
  if (status_.desired.revision != acted_before) note_publication(acted_before, result);
  if (status_.state_version == version_before && outcome.fetched) changed_now();
  return result;
}

void Hub::note_fetch(const GitOutcome& outcome) {
  GitStatus& git = status_.git;
  if (outcome.head != git.revision) {
    log::info("revision '{}' is the newest: {}", outcome.head, outcome.commit);
    git.revision = outcome.head;
    git.commit = outcome.commit;
    changed_now();
  }
  if (git.signer != outcome.signer) changed_now();
  git.signer = outcome.signer;
  const std::optional<Error>& failure = outcome.fetch_error ? outcome.fetch_error : outcome.compile_error;
  const std::string error = failure ? failure->what() : "";
  if (failure && error != git.error) log::warn("git: {}", error);
  if (!failure && !git.error.empty() && outcome.fetched) log::info("git: the repository can be read again");
  if (failure || outcome.fetched) {
    git.state = failure ? GitStatus::State::kFailed : GitStatus::State::kOk;
    git.error = error;
  }
  if (outcome.fetched && !outcome.fetch_error) git.fetched_at_ms = unix_now_ms();
}

void Hub::act_on(const GitOutcome& outcome, ConfirmEmpty confirm, SyncResult& result) {
  const Compilation& compilation = *outcome.compilation;
  const bool newest = compilation.revision == outcome.head;
  if (compilation.valid) secret_uses_ = compilation.secret_uses;
  if (newest) {
    compiled_ = compilation.diagnostics;
    show_diagnostics();
    if (outcome.stacks) {
      status_.stacks = *outcome.stacks;
      status_.node_labels = outcome.node_labels;
    }
    if (compilation.revision != judged_) tell_errors(compilation);
  }
  if (guard_.held()) return hold_back(outcome);
  if (!compilation.valid) {
    if (newest && outcome.fleet_file_absent) return act_on_deleted(outcome, confirm, result);
    if (!newest) return;  // cannot be: it was valid when it was acted on
    status_.desired.state = DesiredStatus::State::kInvalid;
    status_.desired.text = "stacks.yml cannot be read; every node keeps what it has";
    judged_ = compilation.revision;
    tracker_.recompile_soon();
    changed_now();
    return;
  }
  const bool acted_before = compilation.revision == status_.desired.revision;
  const Emptying emptying =
      acted_before || confirm == ConfirmEmpty::kYes ? Emptying::kAllow : Emptying::kHold;
  Acted acted = publish(compilation, emptying);
  if (acted.result == Acted::Result::kHeld) {
    return hold(compilation.revision, "it would remove every stack from every node");
  }
  pinning_.forget(compilation.pins_outdated);
  pinning_.want(compilation.pins_wanted);
  show_diagnostics();
  result.published = std::move(acted.published);
  result.state =
      acted_before && result.published.empty() ? SyncResult::State::kUnchanged : SyncResult::State::kApplied;
  if (newest) {
    status_.desired = {compilation.revision, DesiredStatus::State::kApplied, ""};
    judged_ = compilation.revision;
  }
  changed_now();
}

void Hub::refuse_unsigned(const GitOutcome& outcome) {
  const std::string text = fmt::format(
      "revision '{}' is refused: {} (sign it, as 'git commit --amend -S' does, or let its signer in); every "
      "node keeps "
      "what it has",
      outcome.head, outcome.unsigned_because);
  if (status_.desired.state == DesiredStatus::State::kUnsigned && status_.desired.text == text) return;
  log::warn("{}", text);
  status_.desired.state = DesiredStatus::State::kUnsigned;
  status_.desired.text = text;
  judged_ = outcome.head;
  changed_now();
}

// No stacks.yml where there was one: as good as an empty one, so it takes the same confirmation.
void Hub::act_on_deleted(const GitOutcome& outcome, ConfirmEmpty confirm, SyncResult& result) {
  const std::string& revision = outcome.compilation->revision;
  if (any_release(inventory_) && confirm == ConfirmEmpty::kNo) {
    return hold(revision, "it has no stacks.yml, which would remove every stack from every node");
  }
  if (any_release(inventory_)) {
    result.published = publish(empty_compilation(revision), Emptying::kAllow).published;
    status_.stacks.clear();
    status_.node_labels.clear();
    status_.desired = {revision, DesiredStatus::State::kApplied, "there is no stacks.yml"};
    result.state = SyncResult::State::kApplied;
  } else {
    status_.desired.state = DesiredStatus::State::kInvalid;
    status_.desired.text = "there is no stacks.yml";
  }
  judged_ = revision;
  changed_now();
}

void Hub::hold(const std::string& revision, const std::string& why) {
  status_.desired.state = DesiredStatus::State::kHeld;
  status_.desired.text = fmt::format("revision '{}' is held: {} ({})", revision, why, kHowToConfirm);
  if (judged_ != revision) log::warn("{}", status_.desired.text);
  judged_ = revision;
  tracker_.recompile_soon();
  changed_now();
}

Acted Hub::publish(const Compilation& compilation, Emptying emptying) {
  try {
    Acted acted = publisher_.act_on(compilation, emptying, unix_now_ms());
    store_worked();
    if (!acted.published.empty()) {
      log::info("revision '{}': new manifests for {} node{}", compilation.revision, acted.published.size(),
                acted.published.size() == 1 ? "" : "s");
    }
    return acted;
  } catch (const Error& error) {
    store_failed(error);
    throw;
  }
}

void Hub::show_diagnostics() {
  status_.diagnostics = compiled_;
  pinning_.describe(status_.diagnostics);
}

Pinning::Callbacks Hub::pinning_callbacks() {
  Pinning::Callbacks callbacks;
  callbacks.store = [this](const std::set<std::string>& stacks, const std::string& reference,
                           const Pin& pin) {
    try {
      store_.set_pin(stacks, reference, pin);
    } catch (const Error& error) {
      store_failed(error);
      throw;
    }
  };
  callbacks.pinned = [this] { tracker_.recompile_soon(); };
  callbacks.changed = [this] {
    show_diagnostics();
    changed_now();
  };
  return callbacks;
}

}  // namespace hivemind::hub
