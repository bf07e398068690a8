#include "hub/api/stack_views.h"

#include <map>
#include <set>

#include "common/report_json.h"
#include "common/report_text.h"
#include "hub/api/views.h"
#include "hub/desired/diagnostic_json.h"
#include "hub/inventory/convergence.h"

namespace hivemind::hub::api {
namespace {

using nlohmann::json;

// For one stack people say running where for a node they say converged.
std::string_view stack_state(const StackAssessment& assessment) {
  const Standing standing = assessment.standing;
  const bool is_back = standing == Standing::kFailed && assessment.report != nullptr &&
                       assessment.report->state() == v1::STATE_ROLLED_BACK;
  if (is_back) return "rolled_back";
  return standing == Standing::kConverged ? "running" : to_string(standing);
}

// One row of a stack: how its nodes stand.
struct StackSummary {
  const StackEntry* entry = nullptr;  // null: not listed any more, or by a revision that cannot be read
  std::size_t nodes = 0;
  std::map<Standing, std::size_t> standings;
  std::map<std::string, std::size_t> revisions;  // how many nodes are to run it
  std::set<std::string> digests;
  std::size_t errors = 0;
};

std::map<std::string, StackSummary> summaries(const HubStatus& status, const Inventory& inventory) {
  std::map<std::string, StackSummary> stacks;
  for (const StackEntry& entry : status.stacks) stacks[entry.name].entry = &entry;
  for (const auto& [id, node] : inventory.nodes()) {
    for (const auto& [stack, release] : node.stacks) {
      StackSummary& summary = stacks[stack];
      ++summary.nodes;
      ++summary.standings[assess_stack(node, stack).standing];
      ++summary.revisions[release.revision];
      summary.digests.insert(release.digest);
    }
  }
  for (const Diagnostic& diagnostic : status.diagnostics) {
    const auto stack = stacks.find(diagnostic.stack);
    if (stack != stacks.end() && diagnostic.severity == Severity::kError) ++stack->second.errors;
  }
  return stacks;
}

std::string main_revision(const StackSummary& summary) {
  std::string revision;
  std::size_t most = 0;
  for (const auto& [candidate, nodes] : summary.revisions) {
    if (nodes > most) {
      revision = candidate;
      most = nodes;
    }
  }
  return revision;
}

std::size_t count(const StackSummary& summary, Standing standing) {
  const auto found = summary.standings.find(standing);
  return found == summary.standings.end() ? 0 : found->second;
}

json summary_view(const std::string& name, const StackSummary& summary) {
  return {{"name", name},
          {"enabled", summary.entry != nullptr && summary.entry->enabled},
          {"rollout", summary.entry != nullptr ? summary.entry->rollout : ""},
          {"nodes", summary.nodes},
          {"running", count(summary, Standing::kConverged)},
          {"applying", count(summary, Standing::kApplying)},
          {"scheduled", count(summary, Standing::kScheduled)},
          {"failed", count(summary, Standing::kFailed)},
          {"pending", count(summary, Standing::kPending)},
          {"offline", count(summary, Standing::kOffline) + count(summary, Standing::kUnknown)},
          {"releases", summary.digests.size()},
          {"revision", main_revision(summary)},
          {"errors", summary.errors}};
}

json stack_on_node_view(const Node& node, const std::string& stack, const AssignedRelease& release) {
  const StackAssessment assessment = assess_stack(node, stack);
  const v1::StackReport* report = assessment.report;
  return {{"node", node.id},
          {"online", node.presence == Presence::kOnline},
          {"state", stack_state(assessment)},
          {"reason", reason_name(assessment.reason)},
          {"text", assessment.text},
          {"desired_digest", release.digest},
          {"running_digest", report != nullptr ? report->running_digest() : ""},
          {"desired_revision", release.revision},
          {"running_revision", report != nullptr ? report->running_revision() : ""},
          {"good_digest", report != nullptr ? report->good_digest() : ""},
          {"failed", report != nullptr ? failed_json(*report) : json(nullptr)},
          {"services", report != nullptr ? services_json(*report) : json::array()},
          {"notices", report != nullptr ? notices_json(*report) : json::array()}};
}

}  // namespace

json stack_counts(const HubStatus& status, const Inventory& inventory) {
  const auto stacks = summaries(status, inventory);
  std::size_t running = 0, failed = 0;
  for (const auto& [name, summary] : stacks) {
    running += summary.nodes > 0 && count(summary, Standing::kConverged) == summary.nodes;
    failed += count(summary, Standing::kFailed) > 0;
  }
  return {{"total", stacks.size()}, {"running", running}, {"failed", failed}};
}

json stacks_view(const HubStatus& status, const Inventory& inventory) {
  json stacks = json::array();
  for (const auto& [name, summary] : summaries(status, inventory))
    stacks.push_back(summary_view(name, summary));
  return {{"stacks", std::move(stacks)}};
}

json stack_detail_view(const HubStatus& status, const Inventory& inventory, const std::string& stack) {
  const auto stacks = summaries(status, inventory);
  const auto found = stacks.find(stack);
  if (found == stacks.end()) return nullptr;
  json view = summary_view(stack, found->second);
  view["on"] = json::array();
  for (const auto& [id, node] : inventory.nodes()) {
    const auto release = node.stacks.find(stack);
    if (release != node.stacks.end()) view["on"].push_back(stack_on_node_view(node, stack, release->second));
  }
  Diagnostics own;
  for (const Diagnostic& diagnostic : status.diagnostics) {
    if (diagnostic.stack == stack) own.push_back(diagnostic);
  }
  view["diagnostics"] = diagnostics_json(own);
  return view;
}

}  // namespace hivemind::hub::api
