#include "hub/inventory/convergence.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/report_text.h"

namespace hivemind::hub {
namespace {

const v1::StackReport* stack_report(const Node& node, const std::string& stack) {
  if (!node.report) return nullptr;
  for (const v1::StackReport& report : node.report->stacks()) {
    if (report.stack() == stack) return &report;
  }
  return nullptr;
}

bool is_done(v1::State state) {
  return state == v1::STATE_RUNNING || state == v1::STATE_COMPLETED;
}

bool waits_for_window(const v1::StackReport& stack) {
  return !has_failed(stack) &&
         (stack.reason() == v1::REASON_WINDOW_CLOSED || stack.reason() == v1::REASON_CLOCK_UNSET);
}

v1::Reason reason_of(const v1::StackReport& stack) {
  return stack.state() == v1::STATE_ROLLED_BACK ? v1::REASON_ROLLED_BACK : stack.reason();
}

std::string own_text_of(const v1::StackReport& stack) {
  return stack.state() == v1::STATE_ROLLED_BACK && stack.has_failed() ? failure_text(stack.failed())
                                                                      : stack.text();
}

std::string text_of(const v1::StackReport& stack) {
  const std::string text = own_text_of(stack);
  return text.empty() ? fmt::format("stack '{}' is {}", stack.stack(), state_name(stack.state()))
                      : fmt::format("stack '{}': {}", stack.stack(), text);
}

// The one that its stack's reason is about.
std::string service_of(const v1::StackReport& stack) {
  if (stack.has_failed()) return stack.failed().service();
  for (const v1::ServiceReport& service : stack.services()) {
    if (service.reason() == stack.reason() && service.state() == stack.state()) return service.service();
  }
  return {};
}

int weight_of(const v1::StackReport& stack) {
  if (has_failed(stack)) return 3;
  if (waits_for_window(stack)) return 1;
  return is_done(stack.state()) ? 0 : 2;
}

// The stack that says most about why the node is not there: a failed one before one that is on its way, and
// that before one that only waits for its window.
const v1::StackReport* telling_stack(const v1::Report& report) {
  const v1::StackReport* telling = nullptr;
  int most = 0;
  for (const v1::StackReport& stack : report.stacks()) {
    if (weight_of(stack) <= most) continue;
    telling = &stack;
    most = weight_of(stack);
  }
  return telling;
}

Assessment told_by(const v1::StackReport& stack, Standing standing) {
  return {standing, reason_of(stack), text_of(stack), stack.stack(), service_of(stack)};
}

// The newest manifest was received, so what the report says of its stacks is about that manifest.
Assessment assess_received(const Node& node) {
  const v1::Report& report = *node.report;
  const v1::StackReport* telling = telling_stack(report);
  if (telling != nullptr && has_failed(*telling)) return told_by(*telling, Standing::kFailed);
  if (report.failed().generation() >= node.desired.generation) {
    return {Standing::kFailed, report.reason(), report.text()};
  }
  if (telling != nullptr) {
    return told_by(*telling, waits_for_window(*telling) ? Standing::kScheduled : Standing::kApplying);
  }
  // A wrong clock keeps nothing from being applied.
  const bool has_reason = report.reason() != v1::REASON_NONE && report.reason() != v1::REASON_CLOCK_SKEW;
  if (report.applied().generation() < node.desired.generation || has_reason) {
    return {Standing::kApplying, report.reason(), report.text()};
  }
  return {Standing::kConverged, v1::REASON_NONE, {}};
}

}  // namespace

std::string_view to_string(Standing standing) {
  switch (standing) {
    case Standing::kUnknown:
      return "unknown";
    case Standing::kOffline:
      return "offline";
    case Standing::kPending:
      return "pending";
    case Standing::kApplying:
      return "applying";
    case Standing::kScheduled:
      return "scheduled";
    case Standing::kFailed:
      return "failed";
    case Standing::kConverged:
      return "converged";
    case Standing::kRevoked:
      return "revoked";
  }
  return "unknown";
}

Assessment assess(const Node& node) {
  if (node.membership == Membership::kRevoked) {
    return {Standing::kRevoked, v1::REASON_NONE,
            fmt::format("new hardware can take its place ('hivemind node replace {}')", node.id)};
  }
  if (!node.report) return {Standing::kUnknown, v1::REASON_NONE, "has not reported yet"};
  if (node.presence == Presence::kOffline) return {Standing::kOffline, v1::REASON_NONE, "has no connection"};
  if (node.desired.generation == 0) return {Standing::kPending, v1::REASON_NONE, "has no manifest yet"};
  const v1::Report& report = *node.report;
  if (report.received().generation() >= node.desired.generation) return assess_received(node);
  // A manifest that was refused was never received.
  if (report.failed().generation() >= node.desired.generation) {
    return {Standing::kFailed, report.reason(), report.text()};
  }
  // Why it has not taken it yet, when it says so: a full disk under its store, say.
  const std::string why = report.text().empty() ? "" : ": " + report.text();
  return {Standing::kPending, report.reason(),
          fmt::format("has received generation {}, the newest is {}{}", report.received().generation(),
                      node.desired.generation, why)};
}

StackAssessment assess_stack(const Node& node, const std::string& stack) {
  const v1::StackReport* report = stack_report(node, stack);
  const auto assigned = node.stacks.find(stack);
  const bool current = report != nullptr && assigned != node.stacks.end() &&
                       report->desired_digest() == assigned->second.digest;
  if (!node.report) return {Standing::kUnknown, v1::REASON_NONE, "the node has not reported yet", report};
  if (node.presence == Presence::kOffline) {
    return {Standing::kOffline, v1::REASON_NONE, "the node has no connection", report};
  }
  if (!current)
    return {Standing::kPending, v1::REASON_NONE, "the node has not received this release", report};
  if (has_failed(*report)) return {Standing::kFailed, reason_of(*report), own_text_of(*report), report};
  if (waits_for_window(*report)) return {Standing::kScheduled, report->reason(), report->text(), report};
  if (is_done(report->state())) return {Standing::kConverged, report->reason(), report->text(), report};
  return {Standing::kApplying, report->reason(), report->text(), report};
}

Convergence assess(const Inventory& inventory) {
  Convergence convergence;
  for (const auto& [id, node] : inventory.nodes()) {
    Assessment told = assess(node);
    Laggard laggard{id, told.reason, std::move(told.text), std::move(told.stack), std::move(told.service)};
    switch (told.standing) {
      case Standing::kConverged:
      case Standing::kRevoked:
        break;
      case Standing::kUnknown:
      case Standing::kOffline:
        convergence.offline.push_back(id);
        break;
      case Standing::kFailed:
        convergence.failed.push_back(std::move(laggard));
        break;
      case Standing::kScheduled:
        convergence.scheduled.push_back(std::move(laggard));
        break;
      case Standing::kPending:
      case Standing::kApplying:
        convergence.waiting.push_back(std::move(laggard));
        break;
    }
  }
  return convergence;
}

}  // namespace hivemind::hub
