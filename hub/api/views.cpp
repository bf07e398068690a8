#include "hub/api/views.h"

#include <ctime>
#include <set>

#include <fmt/format.h>

#include "common/version.h"

namespace hivemind::hub::api {
namespace {

using nlohmann::json;

std::string_view name_of(GitStatus::State state) {
  switch (state) {
    case GitStatus::State::kNever:
      return "never";
    case GitStatus::State::kOk:
      return "ok";
    case GitStatus::State::kFailed:
      return "failed";
  }
  return "never";
}

std::string_view name_of(DesiredStatus::State state) {
  switch (state) {
    case DesiredStatus::State::kNone:
      return "none";
    case DesiredStatus::State::kApplied:
      return "applied";
    case DesiredStatus::State::kInvalid:
      return "invalid";
    case DesiredStatus::State::kHeld:
      return "held";
  }
  return "none";
}

std::string_view name_of(SyncResult::State state) {
  switch (state) {
    case SyncResult::State::kApplied:
      return "applied";
    case SyncResult::State::kUnchanged:
      return "unchanged";
    case SyncResult::State::kInvalid:
      return "invalid";
    case SyncResult::State::kHeld:
      return "held";
    case SyncResult::State::kFetchFailed:
      return "fetch_failed";
  }
  return "unchanged";
}

// For one stack people say running where for a node they say converged.
std::string_view stack_state(Standing standing) {
  return standing == Standing::kConverged ? "running" : to_string(standing);
}

json position(const v1::Position& position) {
  return {{"generation", position.generation()}, {"revision", position.revision()}};
}

std::int64_t retry_in_ms(const GitStatus& git, std::chrono::steady_clock::time_point now) {
  if (!git.retry_at || *git.retry_at < now) return 0;
  return std::chrono::duration_cast<std::chrono::milliseconds>(*git.retry_at - now).count();
}

json git_view(const GitStatus& git, std::chrono::steady_clock::time_point now) {
  return {{"url", git.url},
          {"branch", git.branch},
          {"path", git.path},
          {"revision", git.revision},
          {"commit", git.commit},
          {"fetched_at", rfc3339(git.fetched_at_ms)},
          {"state", name_of(git.state)},
          {"error", git.error},
          {"retry_in_ms", retry_in_ms(git, now)}};
}

json service_view(const v1::ServiceReport& service) {
  return {{"service", service.service()},
          {"state", state_name(service.state())},
          {"reason", reason_name(service.reason())},
          {"text", service.text()},
          {"image", service.image()},
          {"image_id", service.image_id()},
          {"container_id", service.container_id()},
          {"health", service.health()},
          {"replicas", service.replicas()},
          {"running", service.running()},
          {"exit_code", service.exit_code()},
          {"restarts", service.restarts()}};
}

json services_view(const v1::StackReport* report) {
  json services = json::array();
  if (report == nullptr) return services;
  for (const v1::ServiceReport& service : report->services()) services.push_back(service_view(service));
  return services;
}

json stack_report_view(const v1::StackReport& stack) {
  return {{"stack", stack.stack()},
          {"state", state_name(stack.state())},
          {"reason", reason_name(stack.reason())},
          {"text", stack.text()},
          {"desired_digest", stack.desired_digest()},
          {"running_digest", stack.running_digest()},
          {"desired_revision", stack.desired_revision()},
          {"running_revision", stack.running_revision()},
          {"services", services_view(&stack)}};
}

json facts_view(const v1::NodeFacts& facts) {
  return {{"architecture", facts.architecture()},
          {"os", facts.os()},
          {"kernel", facts.kernel()},
          {"engine_version", facts.engine_version()},
          {"engine_api", facts.engine_api()},
          {"hostname", facts.hostname()}};
}

json laggards_view(const std::vector<Laggard>& laggards) {
  json list = json::array();
  for (const Laggard& laggard : laggards) {
    list.push_back({{"node", laggard.node}, {"reason", reason_name(laggard.reason)}, {"text", laggard.text}});
  }
  return list;
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
          {"state", stack_state(assessment.standing)},
          {"reason", reason_name(assessment.reason)},
          {"text", assessment.text},
          {"desired_digest", release.digest},
          {"running_digest", report != nullptr ? report->running_digest() : ""},
          {"desired_revision", release.revision},
          {"running_revision", report != nullptr ? report->running_revision() : ""},
          {"services", services_view(report)}};
}

json node_counts(const Inventory& inventory) {
  std::size_t online = 0, converged = 0, failed = 0;
  for (const auto& [id, node] : inventory.nodes()) {
    const Standing standing = assess(node).standing;
    online += node.presence == Presence::kOnline;
    converged += standing == Standing::kConverged;
    failed += standing == Standing::kFailed;
  }
  return {
      {"total", inventory.nodes().size()}, {"online", online}, {"converged", converged}, {"failed", failed}};
}

json stack_counts(const HubStatus& status, const Inventory& inventory) {
  const auto stacks = summaries(status, inventory);
  std::size_t running = 0, failed = 0;
  for (const auto& [name, summary] : stacks) {
    running += summary.nodes > 0 && count(summary, Standing::kConverged) == summary.nodes;
    failed += count(summary, Standing::kFailed) > 0;
  }
  return {{"total", stacks.size()}, {"running", running}, {"failed", failed}};
}

}  // namespace

std::string rfc3339(std::int64_t unix_ms) {
  if (unix_ms == 0) return {};
  const std::time_t seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                     utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, unix_ms % 1000);
}

json status_view(const HubStatus& status, const Inventory& inventory,
                 std::chrono::steady_clock::time_point now) {
  return {{"version", version()},
          {"state_version", status.state_version},
          {"git", git_view(status.git, now)},
          {"desired",
           {{"revision", status.desired.revision},
            {"state", name_of(status.desired.state)},
            {"text", status.desired.text}}},
          {"diagnostics", diagnostics_view(status.diagnostics)},
          {"broker",
           {{"url", status.broker.url},
            {"embedded", status.broker.kind == BrokerStatus::Kind::kEmbedded},
            {"connected", status.broker.connected},
            {"error", status.broker.error}}},
          {"store", {{"ok", status.store_error.empty()}, {"error", status.store_error}}},
          {"nodes", node_counts(inventory)},
          {"stacks", stack_counts(status, inventory)}};
}

json nodes_view(const Inventory& inventory) {
  json nodes = json::array();
  for (const auto& [id, node] : inventory.nodes()) nodes.push_back(node_view(node));
  return {{"nodes", std::move(nodes)}};
}

json node_view(const Node& node) {
  static const v1::Report kNoReport;
  const v1::Report& report = node.report ? *node.report : kNoReport;
  const Assessment assessment = assess(node);
  return {{"id", node.id},
          {"online", node.presence == Presence::kOnline},
          {"labels", labels_of(report)},
          {"state", to_string(assessment.standing)},
          {"reason", reason_name(assessment.reason)},
          {"text", assessment.text},
          {"desired", {{"generation", node.desired.generation}, {"revision", node.desired.revision}}},
          {"received", position(report.received())},
          {"applied", position(report.applied())},
          {"failed", position(report.failed())},
          {"running", position(report.running())},
          {"stacks", node.stacks.size()},
          {"agent_version", report.agent_version()},
          {"seen_at", rfc3339(node.seen_at_ms)}};
}

json node_detail_view(const Node& node) {
  json view = node_view(node);
  view["facts"] = facts_view(node.report ? node.report->facts() : v1::NodeFacts());
  view["stack_reports"] = json::array();
  if (node.report) {
    for (const v1::StackReport& stack : node.report->stacks())
      view["stack_reports"].push_back(stack_report_view(stack));
  }
  view["desired_stacks"] = json::array();
  for (const auto& [stack, release] : node.stacks) {
    view["desired_stacks"].push_back(
        {{"stack", stack}, {"digest", release.digest}, {"revision", release.revision}});
  }
  return view;
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
  view["diagnostics"] = diagnostics_view(own);
  return view;
}

json diagnostics_view(const Diagnostics& diagnostics) {
  json list = json::array();
  for (const Diagnostic& diagnostic : diagnostics) {
    list.push_back({{"severity", to_string(diagnostic.severity)},
                    {"code", diagnostic.code},
                    {"file", diagnostic.location.file},
                    {"line", diagnostic.location.line},
                    {"column", diagnostic.location.column},
                    {"stack", diagnostic.stack},
                    {"service", diagnostic.service},
                    {"message", diagnostic.message},
                    {"remedy", diagnostic.remedy},
                    {"nodes", diagnostic.nodes},
                    {"text", to_text(diagnostic)}});
  }
  return list;
}

json sync_view(const SyncResult& result) {
  return {{"revision", result.revision},
          {"changed", result.changed},
          {"state", name_of(result.state)},
          {"error", result.error},
          {"diagnostics", diagnostics_view(result.diagnostics)},
          {"published", result.published}};
}

json convergence_view(const Convergence& convergence, bool settled) {
  return {{"converged", settled && convergence.converged()},
          {"failed", laggards_view(convergence.failed)},
          {"waiting", laggards_view(convergence.waiting)},
          {"offline", convergence.offline}};
}

json events_view(const std::vector<StoredEvent>& events, std::int64_t last) {
  json list = json::array();
  for (const StoredEvent& stored : events) {
    const v1::Event& event = stored.event;
    list.push_back({{"id", stored.id},
                    {"at", rfc3339(event.at_ms())},
                    {"node", stored.node},
                    {"kind", event.kind()},
                    {"stack", event.stack()},
                    {"service", event.service()},
                    {"revision", event.revision()},
                    {"reason", reason_name(event.reason())},
                    {"text", event.text()}});
  }
  return {{"events", std::move(list)}, {"last", last}};
}

}  // namespace hivemind::hub::api
