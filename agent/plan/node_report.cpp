#include "agent/plan/node_report.h"

#include <algorithm>

#include <fmt/format.h>

namespace hivemind::agent {
namespace {

bool is_failed(const v1::StackReport& stack) {
  return stack.state() == v1::STATE_FAILED || stack.state() == v1::STATE_ROLLED_BACK;
}

// The position that all containers belong to, if there is one.
v1::Position running_of(const NodeStanding& standing, bool applied) {
  if (applied) return standing.received;
  if (!standing.looked || standing.stacks.size() != static_cast<std::size_t>(standing.applied.stacks_size()))
    return {};
  const bool same = std::ranges::equal(standing.stacks, standing.applied.stacks(),
                                       [](const v1::StackReport& now, const v1::StackReport& then) {
                                         return now.stack() == then.stack() &&
                                                now.running_digest() == then.running_digest();
                                       });
  return same ? standing.applied.applied() : v1::Position();
}

void set_reason(v1::Report& report, v1::Reason reason, std::string text) {
  report.set_reason(reason);
  report.set_text(std::move(text));
}

// The first that applies: what keeps the agent from working comes before what keeps a stack.
void fill_reason(v1::Report& report, const NodeStanding& standing, bool applied) {
  if (standing.engine_reason != v1::REASON_NONE)
    return set_reason(report, standing.engine_reason, standing.engine_text);
  if (!standing.store_failure.empty())
    return set_reason(report, v1::REASON_STORE_FAILED, standing.store_failure);
  if (standing.refusal) return set_reason(report, standing.refusal->reason, standing.refusal->text);
  const auto failed = std::ranges::find_if(standing.stacks, is_failed);
  const auto open = std::ranges::find_if(
      standing.stacks, [](const v1::StackReport& stack) { return stack.state() != v1::STATE_RUNNING; });
  const auto stack = failed != standing.stacks.end() ? failed : open;
  if (stack != standing.stacks.end()) {
    return set_reason(report, stack->reason(), fmt::format("stack '{}': {}", stack->stack(), stack->text()));
  }
  if (standing.rest_reason != v1::REASON_NONE)
    return set_reason(report, standing.rest_reason, standing.rest_text);
  if (!applied && standing.received.generation() != 0)
    return set_reason(report, v1::REASON_APPLYING, "steps are under way");
  // What follows keeps nothing from being applied.
  if (standing.clock_doubt.empty()) return report.set_text(standing.trouble);
  // A certificate that has ended makes the clock doubtful as well: what the hub says of it is told with that.
  const std::string trouble = standing.trouble.empty() ? "" : "; " + standing.trouble;
  set_reason(report, v1::REASON_CLOCK_SKEW, standing.clock_doubt + trouble);
}

}  // namespace

bool is_applied(const NodeStanding& standing) {
  return standing.looked && standing.settled && standing.engine_reason == v1::REASON_NONE &&
         standing.rest_reason == v1::REASON_NONE && standing.received.generation() != 0 &&
         std::ranges::all_of(standing.stacks, [](const v1::StackReport& stack) {
           return stack.state() == v1::STATE_RUNNING && stack.running_digest() == stack.desired_digest();
         });
}

v1::Report node_report(const NodeStanding& standing) {
  const bool applied = is_applied(standing);
  v1::Report report;
  if (standing.received.generation() != 0) *report.mutable_received() = standing.received;
  const v1::Position& done = applied ? standing.received : standing.applied.applied();
  if (done.generation() != 0) *report.mutable_applied() = done;
  const v1::Position running = running_of(standing, applied);
  if (running.generation() != 0) *report.mutable_running() = running;
  if (std::ranges::any_of(standing.stacks, is_failed)) *report.mutable_failed() = standing.received;
  if (standing.refusal && standing.refusal->position.generation() != 0)
    *report.mutable_failed() = standing.refusal->position;
  fill_reason(report, standing, applied);
  for (const v1::StackReport& stack : standing.stacks) *report.add_stacks() = stack;
  return report;
}

}  // namespace hivemind::agent
