// What becomes of a release that is new here: it lasts and is the good one, or it fails and never comes
// again.
#include <algorithm>

#include <fmt/format.h>

#include "agent/apply/reconciler.h"
#include "common/log.h"

namespace hivemind::agent {
namespace {

namespace asio = boost::asio;

constexpr int kLogLines = 20;
// Of one stack; the oldest are forgotten.
constexpr std::size_t kMostFailed = 16;

std::int64_t wall_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

bool is_good(const Past& past, const DesiredStack& stack) {
  const GoodRelease* good = good_of(past, stack.name);
  return good != nullptr && good->digest == stack.digest;
}

void add_failed(std::map<std::string, FailedRelease>& releases, FailedRelease release) {
  for (const auto& [digest, known] : releases) release.number = std::max(release.number, known.number + 1);
  releases[release.digest] = std::move(release);
  while (releases.size() > kMostFailed) {
    releases.erase(
        std::ranges::min_element(releases, {}, [](const auto& entry) { return entry.second.number; }));
  }
}

Trial* trial_of(Past& past, const DesiredStack* stack) {
  if (stack == nullptr || stack->origin != Origin::kManifest) return nullptr;
  const auto trial = past.trials.find(stack->name);
  return trial == past.trials.end() || trial->second.digest != stack->digest ? nullptr : &trial->second;
}

}  // namespace

// Before the first step, and on the disk: an agent that is killed in the middle goes on with it.
void Reconciler::begin_trials(const std::set<std::string>& busy) {
  bool changed = false;
  for (const DesiredStack& stack : standing_.desired->stacks) {
    const Phase phase = standing_.targets.at(stack.name).phase;
    if (runs_good(phase) || phase == Phase::kHeld || is_good(past_, stack)) {
      changed = past_.trials.erase(stack.name) > 0 || changed;
    } else if (trial_of(past_, &stack) == nullptr && !busy.contains(stack.name)) {
      past_.trials[stack.name] = {stack.digest};
      if (phase == Phase::kTrial) forget_troubles(stack.name);
      changed = true;
    }
  }
  if (changed) callbacks_.on_past();
}

void Reconciler::forget_troubles(const std::string& stack) {
  std::erase_if(past_.troubles, [&](const auto& entry) { return entry.first.starts_with(stack + "/"); });
}

// A release with nothing to go back to is only watched: its soak begins anew.
asio::awaitable<void> Reconciler::judge_trials(std::shared_ptr<const Desired> desired,
                                               std::set<std::string> busy) {
  for (const DesiredStack& stack : desired->stacks) {
    Trial* trial = trial_of(past_, &stack);
    if (trial == nullptr || busy.contains(stack.name) || refused_.contains(stack.name)) continue;
    const TrialFacts facts{stack, standing_.observed, past_, desired->node};
    agent::watch(*trial, facts);
    std::optional<TrialFailure> failure = failure_in(*trial, facts);
    if (!failure) continue;
    if (good_of(past_, stack.name) == nullptr) {
      *trial = {stack.digest};
    } else {
      const TrialFailure told = *failure;
      co_await fail(stack.name, told);
    }
  }
}

// On the disk before the first step back: a release that takes its node down must not be tried again by the
// agent that comes up after it.
asio::awaitable<void> Reconciler::fail(std::string stack, TrialFailure failure) {
  if (!failure.container.empty()) {
    try {
      const std::string log = co_await engine_.container_log(failure.container, kLogLines);
      failure.release.output = last_words(log);
    } catch (const Error& error) {
      log::warn("stack '{}': {}", stack, error.what());
    }
  }
  FailedRelease& release = failure.release;
  release.at_ms = wall_ms();
  const bool touched = release.reason != v1::REASON_PRE_FAILED;
  const Happening happening{touched ? "rolled_back" : "pre_failed", stack, release.service, release.reason,
                            fmt::format("release {} failed: {}", release.digest, release.text)};
  add_failed(past_.failed[stack], std::move(release));
  past_.trials.erase(stack);
  forget_troubles(stack);
  callbacks_.on_past();
  callbacks_.on_happening(happening);
}

void Reconciler::settle_trials(const std::set<std::string>& busy) {
  for (const DesiredStack& stack : standing_.desired->stacks) {
    Trial* trial = trial_of(past_, &stack);
    const Phase phase = standing_.targets.at(stack.name).phase;
    if (trial == nullptr || runs_good(phase) || phase == Phase::kFirst || phase == Phase::kHeld) continue;
    if (busy.contains(stack.name) || !is_sound(findings(), stack)) {
      trial->sound_since.reset();
    } else if (has_lasted(stack, *trial)) {
      promote(stack);
    }
  }
}

bool Reconciler::has_lasted(const DesiredStack& stack, Trial& trial) {
  const Clock::time_point now = Clock::now();
  if (!trial.sound_since) trial.sound_since = now;
  const auto left = *trial.sound_since + soak_of(stack) - now;
  if (left <= Clock::duration::zero()) return true;
  trigger(std::chrono::ceil<std::chrono::milliseconds>(left));
  return false;
}

// What was kept of the release before goes with the next pass.
void Reconciler::promote(const DesiredStack& stack) {
  past_.good[stack.name] = release_of(stack, standing_.observed, standing_.desired->node);
  past_.trials.erase(stack.name);
  opened_.erase(stack.name);
  standing_.settled = false;
  callbacks_.on_past();
  trigger();
}

// A first release that runs, however short, is better to come back to than nothing. And one that runs stays
// where the next is none that may take its place.
void Reconciler::promote_for_want_of_better(const Desired& next) {
  if (!standing_.desired) return;
  for (const DesiredStack& stack : standing_.desired->stacks) {
    const Trial* trial = trial_of(past_, &stack);
    const DesiredStack* other = next.stack(stack.name);
    const bool gives_way = other != nullptr && other->digest != stack.digest;
    const bool runs = trial != nullptr && trial->sound_since;
    if (gives_way && runs && (good_of(past_, stack.name) == nullptr || forbidden_in(*other))) promote(stack);
  }
}

// What ends with its engine, or was restarted by another one, says nothing about its release.
void Reconciler::suspend_trials() {
  for (auto& [stack, trial] : past_.trials) {
    trial.watched.clear();
    trial.sound_since.reset();
  }
}

// One that ends before a pass has seen it run counts as well.
void Reconciler::note_start(const Occasion& occasion, const Step& step) {
  const auto* start = std::get_if<StartContainer>(&step.action);
  if (start == nullptr) return;
  const DesiredStack* stack = occasion.desired->stack(step.stack);
  Trial* trial = trial_of(past_, stack);
  const DesiredService* service = stack == nullptr ? nullptr : stack->service(step.service);
  if (trial == nullptr || service == nullptr || !is_brought(*service, stack->name, past_)) return;
  const auto made = occasion.made.find(start->container.name);
  const bool is_new = start->container.id.empty() && made != occasion.made.end();
  trial->watched.emplace(is_new ? made->second : start->container.id, 0);
}

void Reconciler::note_refusal(const Step& step, const Trouble& trouble, const Desired& desired) {
  Trial* trial = trial_of(past_, desired.stack(step.stack));
  if (trial == nullptr || trial->refused || !is_refusal(step, trouble.reason)) return;
  trial->refused = RefusedStep{step.service, trouble.reason, trouble.text};
}

}  // namespace hivemind::agent
