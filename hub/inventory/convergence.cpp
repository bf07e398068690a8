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

std::string text_of(const v1::StackReport& stack) {
  return stack.text().empty() ? fmt::format("stack '{}' is {}", stack.stack(), state_name(stack.state()))
                              : fmt::format("stack '{}': {}", stack.stack(), stack.text());
}

// The stack that says most about why the node is not there: a failed one before one that is on its way.
const v1::StackReport* telling_stack(const v1::Report& report) {
  const v1::StackReport* unfinished = nullptr;
  for (const v1::StackReport& stack : report.stacks()) {
    if (stack.state() == v1::STATE_FAILED) return &stack;
    if (!is_done(stack.state()) && unfinished == nullptr) unfinished = &stack;
  }
  return unfinished;
}

// The newest manifest was received, so what the report says of its stacks is about that manifest.
Assessment assess_received(const Node& node) {
  const v1::Report& report = *node.report;
  const v1::StackReport* telling = telling_stack(report);
  if (telling != nullptr && telling->state() == v1::STATE_FAILED) {
    return {Standing::kFailed, telling->reason(), text_of(*telling)};
  }
  if (report.failed().generation() >= node.desired.generation) {
    return {Standing::kFailed, report.reason(), report.text()};
  }
  if (telling != nullptr) return {Standing::kApplying, telling->reason(), text_of(*telling)};
  if (report.applied().generation() < node.desired.generation || report.reason() != v1::REASON_NONE) {
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
    case Standing::kFailed:
      return "failed";
    case Standing::kConverged:
      return "converged";
  }
  return "unknown";
}

Assessment assess(const Node& node) {
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
  if (report->state() == v1::STATE_FAILED)
    return {Standing::kFailed, report->reason(), report->text(), report};
  if (is_done(report->state())) return {Standing::kConverged, report->reason(), report->text(), report};
  return {Standing::kApplying, report->reason(), report->text(), report};
}

Convergence assess(const Inventory& inventory) {
  Convergence convergence;
  for (const auto& [id, node] : inventory.nodes()) {
    Assessment assessment = assess(node);
    switch (assessment.standing) {
      case Standing::kConverged:
        break;
      case Standing::kUnknown:
      case Standing::kOffline:
        convergence.offline.push_back(id);
        break;
      case Standing::kFailed:
        convergence.failed.push_back({id, assessment.reason, std::move(assessment.text)});
        break;
      case Standing::kPending:
      case Standing::kApplying:
        convergence.waiting.push_back({id, assessment.reason, std::move(assessment.text)});
        break;
    }
  }
  return convergence;
}

}  // namespace hivemind::hub
