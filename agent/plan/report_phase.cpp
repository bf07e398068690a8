#include "agent/plan/report_phase.h"

#include <algorithm>

#include <fmt/format.h>

#include "agent/plan/jobs.h"
#include "agent/plan/trial.h"
#include "agent/plan/utf8.h"

namespace hivemind::agent {
namespace {

// "sha256:5919166d3f74…" -> "5919166d3f74"
std::string short_digest(const std::string& digest) {
  return digest.substr(digest.find(':') + 1, 12);
}

std::string duration_text(std::chrono::milliseconds time) {
  const auto ms = time.count();
  return ms % 1'000 == 0 ? fmt::format("{} s", ms / 1'000) : fmt::format("{} ms", ms);
}

void set_state(v1::StackReport& report, v1::State state, v1::Reason reason, const std::string& text) {
  report.set_state(state);
  report.set_reason(reason);
  report.set_text(valid_utf8(text));
}

void fill_failed(v1::FailedRelease& message, const FailedRelease& failed) {
  message.set_digest(failed.digest);
  message.set_revision(failed.revision);
  message.set_service(failed.service);
  message.set_reason(failed.reason);
  message.set_text(valid_utf8(failed.text));
  message.set_exit_code(failed.exit_code);
  message.set_output(valid_utf8(failed.output));
  message.set_at_ms(failed.at_ms);
  message.set_restored(failed.restored);
}

std::string what_failed(const FailedRelease& failed) {
  return failed.service.empty() ? failed.text : fmt::format("service '{}': {}", failed.service, failed.text);
}

// Never success, whatever runs in its place.
void fill_rolled_back(v1::StackReport& report, const FailedRelease& failed) {
  fill_failed(*report.mutable_failed(), failed);
  const std::string restored =
      report.state() == v1::STATE_RUNNING
          ? fmt::format("release {} runs in its place", short_digest(report.good_digest()))
          : fmt::format("release {} comes back ({})", short_digest(report.good_digest()), report.text());
  set_state(
      report, v1::STATE_ROLLED_BACK, v1::REASON_ROLLED_BACK,
      fmt::format("release {} failed: {}; {}", short_digest(failed.digest), what_failed(failed), restored));
}

// Never success, whatever runs in its place.
void fill_refused(v1::StackReport& report, const Target& target) {
  const bool is_well = report.state() == v1::STATE_RUNNING;
  const std::string running = fmt::format("release {} runs on{}", short_digest(report.good_digest()),
                                          is_well ? "" : fmt::format(" ({})", report.text()));
  set_state(report, v1::STATE_FAILED, target.reason, fmt::format("{}; {}", target.text, running));
}

// Nothing is done for the stack, so what its services lack is no news.
void fill_held(v1::StackReport& report, const Target& target) {
  for (v1::ServiceReport& service : *report.mutable_services()) {
    if (service.state() == v1::STATE_RUNNING || service.state() == v1::STATE_COMPLETED) continue;
    service.set_state(v1::STATE_PENDING);
    service.set_reason(v1::REASON_NONE);
    service.clear_text();
  }
  set_state(report, v1::STATE_FAILED, target.reason,
            fmt::format("{}; what is there of the stack is left as it is", target.text));
}

// Something that does not pass by itself, or not soon.
bool is_amiss(v1::Reason reason) {
  return reason != v1::REASON_PULLING && reason != v1::REASON_APPLYING &&
         reason != v1::REASON_WAITING_DEPENDENCY && reason != v1::REASON_WINDOW_CLOSED &&
         reason != v1::REASON_PRE_RUNNING;
}

// The good release runs well, so what is waited for is the other one's.
void fill_awaited(v1::StackReport& report, const Findings& findings, const Target& target) {
  if (report.state() != v1::STATE_RUNNING) return;
  if (target.phase != Phase::kFetching)
    return set_state(report, is_amiss(target.reason) ? v1::STATE_FAILED : v1::STATE_APPLYING, target.reason,
                     target.text);
  const Pending* worst = nullptr;
  for (const Pending& pending : findings.plan.pending) {
    if (pending.stack != report.stack()) continue;
    if (worst == nullptr || (is_amiss(pending.reason) && !is_amiss(worst->reason))) worst = &pending;
  }
  if (worst == nullptr)
    return set_state(report, v1::STATE_APPLYING, v1::REASON_PULLING, "the new release is fetched");
  set_state(
      report, is_amiss(worst->reason) ? v1::STATE_FAILED : v1::STATE_APPLYING, worst->reason,
      worst->service.empty() ? worst->text : fmt::format("service '{}': {}", worst->service, worst->text));
}

void fill_trial(v1::StackReport& report, const DesiredStack& stack) {
  if (report.state() != v1::STATE_RUNNING || report.running_digest() != report.desired_digest()) return;
  set_state(report, v1::STATE_APPLYING, v1::REASON_SOAKING,
            fmt::format("runs, and is watched for {}", duration_text(soak_of(stack))));
}

// What is in place is only what 'pre' needs; where that is in trouble, it is why 'pre' does not run.
void fill_first(v1::StackReport& report, const Target& target) {
  const bool failed = target.reason == v1::REASON_PRE_FAILED;
  const auto worst = std::ranges::find_if(report.services(), [](const v1::ServiceReport& service) {
    return service.state() == v1::STATE_FAILED;
  });
  if (failed || worst == report.services().end())
    set_state(report, is_amiss(target.reason) ? v1::STATE_FAILED : v1::STATE_APPLYING, target.reason,
              target.text);
}

// The release is good, whatever becomes of 'post': the state stays, and the reason says what is still to
// come.
void fill_post(v1::StackReport& report, const Findings& findings, const DesiredStack& stack) {
  if (report.state() != v1::STATE_RUNNING || !is_post_due(stack, findings.past)) return;
  const auto trouble = findings.past.troubles.find(subject_of(stack.name, stack.post));
  const bool in_trouble = trouble != findings.past.troubles.end() &&
                          trouble->second.config_hash == stack.service(stack.post)->config_hash;
  if (in_trouble)
    return set_state(report, v1::STATE_RUNNING, trouble->second.reason,
                     fmt::format("service '{}': {}", stack.post, trouble->second.text));
  set_state(report, v1::STATE_RUNNING, v1::REASON_POST_RUNNING,
            fmt::format("service '{}' runs after the release was found good", stack.post));
}

}  // namespace

void fill_phase(v1::StackReport& report, const Findings& findings, const DesiredStack& stack) {
  if (const GoodRelease* good = good_of(findings.past, stack.name)) report.set_good_digest(good->digest);
  const Target* target = findings.target(stack.name);
  if (target == nullptr) return;
  const FailedRelease* failed_pre = failure_of(findings.past, stack);
  if (failed_pre != nullptr && failed_pre->reason == v1::REASON_PRE_FAILED)
    fill_failed(*report.mutable_failed(), *failed_pre);
  if (target->phase == Phase::kRolledBack) {
    if (const FailedRelease* failed = failure_of(findings.past, stack)) fill_rolled_back(report, *failed);
  } else if (target->phase == Phase::kTrial) {
    fill_trial(report, stack);
  } else if (target->phase == Phase::kFirst) {
    fill_first(report, *target);
  } else if (target->phase == Phase::kRefused) {
    fill_refused(report, *target);
  } else if (target->phase == Phase::kHeld) {
    fill_held(report, *target);
  } else if (is_awaited(target->phase)) {
    fill_awaited(report, findings, *target);
  } else {
    fill_post(report, findings, stack);
  }
}

}  // namespace hivemind::agent
