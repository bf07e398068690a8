#include "agent/plan/targets.h"

#include <fmt/format.h>

#include "agent/plan/jobs.h"
#include "agent/plan/window.h"

namespace hivemind::agent {
namespace {

bool is_begun(const TargetFacts& facts, const DesiredStack& stack) {
  const auto trial = facts.past.trials.find(stack.name);
  return trial != facts.past.trials.end() && trial->second.digest == stack.digest;
}

std::optional<Target> held_by_window(const TargetFacts& facts, const DesiredStack& stack) {
  if (!stack.window) return std::nullopt;
  const auto opened = facts.opened.find(stack.name);
  if (opened != facts.opened.end() && opened->second == stack.digest) return std::nullopt;
  if (!facts.wall_s) {
    return Target{Phase::kWindow, v1::REASON_CLOCK_UNSET,
                  fmt::format("waits for its window '{}', and the clock of this node has not been set",
                              stack.window->text)};
  }
  const Window window(*stack.window);
  if (window.is_open(*facts.wall_s)) return std::nullopt;
  const std::optional<std::int64_t> opens = window.next_change(*facts.wall_s);
  return Target{Phase::kWindow, v1::REASON_WINDOW_CLOSED,
                fmt::format("waits for its window '{}', which opens on {}", stack.window->text,
                            opens ? window.local_text(*opens) : "no day"),
                opens};
}

// Nothing: it has succeeded, or there is none.
std::optional<Target> held_by_pre(const TargetFacts& facts, const DesiredStack& stack, Phase phase) {
  const FailedRelease* failed = failure_of(facts.past, stack);
  if (failed != nullptr && failed->reason == v1::REASON_PRE_FAILED)
    return Target{phase, failed->reason, failed->text + ", and nothing was touched", {}};
  if (!is_pre_due(stack, facts.past)) return std::nullopt;
  const auto trouble = facts.past.troubles.find(subject_of(stack.name, stack.pre));
  if (trouble != facts.past.troubles.end() && !trouble->second.is_tried_anew() &&
      trouble->second.config_hash == stack.service(stack.pre)->config_hash)
    return Target{
        phase, trouble->second.reason, fmt::format("service '{}': {}", stack.pre, trouble->second.text), {}};
  return Target{phase,
                v1::REASON_PRE_RUNNING,
                fmt::format("service '{}' runs before the release is put in place", stack.pre),
                {}};
}

// In the order in which a release goes through them. What has begun goes on: a window that closes, or a
// question of the store, is no reason to leave a stack half-way.
Target target_of(const TargetFacts& facts, const DesiredStack& stack) {
  const GoodRelease* good = good_of(facts.past, stack.name);
  const auto refused = facts.refused.find(stack.name);
  if (refused != facts.refused.end()) {
    return {good == nullptr ? Phase::kHeld : Phase::kRefused, v1::REASON_POLICY_REFUSED, refused->second, {}};
  }
  if (good == nullptr) return held_by_pre(facts, stack, Phase::kFirst).value_or(Target{});
  if (good->digest == stack.digest) return {};
  if (const FailedRelease* failed = failure_of(facts.past, stack)) {
    if (failed->reason == v1::REASON_PRE_FAILED) return *held_by_pre(facts, stack, Phase::kPre);
    return {Phase::kRolledBack, v1::REASON_ROLLED_BACK, "", {}};
  }
  if (is_begun(facts, stack)) return {Phase::kTrial, v1::REASON_NONE, "", {}};
  if (!facts.fetched.contains(stack.name)) return {Phase::kFetching, v1::REASON_NONE, "", {}};
  if (facts.unsaved.contains(stack.name)) {
    return {Phase::kUnsaved,
            v1::REASON_STORE_FAILED,
            "waits until the release that it takes the place of is in the agent's store",
            {}};
  }
  // A job that has begun is let finish, and what it has prepared is not left standing.
  if (!facts.jobs_begun.contains(stack.name)) {
    if (auto held = held_by_window(facts, stack)) return *held;
  }
  if (auto held = held_by_pre(facts, stack, Phase::kPre)) return *held;
  return {Phase::kTrial, v1::REASON_NONE, "", {}};
}

}  // namespace

bool runs_good(Phase phase) {
  return phase != Phase::kCurrent && phase != Phase::kFirst && phase != Phase::kTrial &&
         phase != Phase::kHeld;
}

bool is_awaited(Phase phase) {
  return runs_good(phase) && phase != Phase::kRolledBack && phase != Phase::kRefused;
}

const GoodRelease* good_of(const Past& past, const std::string& stack) {
  const auto good = past.good.find(stack);
  const bool can_return =
      good != past.good.end() && !good->second.release.empty() && !past.barred.contains(stack);
  return can_return ? &good->second : nullptr;
}

const FailedRelease* failure_of(const Past& past, const DesiredStack& stack) {
  const auto failed = past.failed.find(stack.name);
  if (failed == past.failed.end()) return nullptr;
  const auto release = failed->second.find(stack.digest);
  return release == failed->second.end() ? nullptr : &release->second;
}

Targets choose_targets(const TargetFacts& facts) {
  Targets targets;
  for (const DesiredStack& stack : facts.desired.stacks) targets.emplace(stack.name, target_of(facts, stack));
  return targets;
}

}  // namespace hivemind::agent
