#include "hub/api/views.h"

#include <algorithm>
#include <ctime>

#include <fmt/format.h>

#include "common/report_json.h"
#include "common/report_text.h"
#include "common/version.h"
#include "hub/api/stack_views.h"
#include "hub/api/trust_view.h"
#include "hub/desired/diagnostic_json.h"

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
    case DesiredStatus::State::kUnsigned:
      return "unsigned";
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
    case SyncResult::State::kUnsigned:
      return "unsigned";
    case SyncResult::State::kFetchFailed:
      return "fetch_failed";
  }
  return "unchanged";
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
          {"signer", git.signer},
          {"fetched_at", rfc3339(git.fetched_at_ms)},
          {"state", name_of(git.state)},
          {"error", git.error},
          {"retry_in_ms", retry_in_ms(git, now)}};
}

// Nothing for what is not known.
json clock_view(const Node& node) {
  const bool is_set = node.report && node.report->vitals().clock_synchronised();
  return {{"offset_ms", node.clock_offset_ms ? json(*node.clock_offset_ms) : json(nullptr)},
          {"synchronised", is_set}};
}

json causes_view(const std::vector<Cause>& causes) {
  json list = json::array();
  for (const Cause& cause : causes) {
    list.push_back({{"reason", cause.reason},
                    {"stack", cause.stack},
                    {"service", cause.service},
                    {"text", cause.text},
                    {"remedy", cause.remedy}});
  }
  return list;
}

json laggards_view(const std::vector<Laggard>& laggards) {
  json list = json::array();
  for (const Laggard& laggard : laggards) {
    list.push_back({{"node", laggard.node},
                    {"reason", reason_name(laggard.reason)},
                    {"text", laggard.text},
                    {"stack", laggard.stack},
                    {"service", laggard.service}});
  }
  return list;
}

// Of those that were not revoked.
json node_counts(const Inventory& inventory) {
  std::size_t total = 0, online = 0, converged = 0, failed = 0;
  for (const auto& [id, node] : inventory.nodes()) {
    const Standing standing = assess(node).standing;
    if (standing == Standing::kRevoked) continue;
    ++total;
    online += node.presence == Presence::kOnline;
    converged += standing == Standing::kConverged;
    failed += standing == Standing::kFailed;
  }
  return {{"total", total}, {"online", online}, {"converged", converged}, {"failed", failed}};
}

}  // namespace

std::string rfc3339(std::int64_t unix_ms) {
  if (unix_ms == 0) return {};
  // Node clocks are shown as well, and may say anything.
  constexpr std::int64_t kYear9999Ms = 253'402'300'799'999;
  unix_ms = std::clamp<std::int64_t>(unix_ms, 0, kYear9999Ms);
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
          {"diagnostics", diagnostics_json(status.diagnostics)},
          {"broker",
           {{"url", status.broker.url},
            {"embedded", status.broker.kind == BrokerStatus::Kind::kEmbedded},
            {"connected", status.broker.connected},
            {"error", status.broker.error}}},
          {"trust", trust_status_view(status.trust, inventory)},
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
          {"labels", labels_of(node)},
          {"membership", to_string(node.membership)},
          {"certificate_until", rfc3339(node.certificate_until_ms)},
          {"revoked_at", rfc3339(node.revoked_at_ms)},
          {"state", to_string(assessment.standing)},
          {"reason", reason_name(assessment.reason)},
          {"text", assessment.text},
          {"desired", {{"generation", node.desired.generation}, {"revision", node.desired.revision}}},
          {"received", to_json(report.received())},
          {"applied", to_json(report.applied())},
          {"failed", to_json(report.failed())},
          {"running", to_json(report.running())},
          {"stacks", node.stacks.size()},
          {"agent_version", report.agent_version()},
          {"seen_at", rfc3339(node.seen_at_ms)}};
}

json node_detail_view(const Node& node) {
  json view = node_view(node);
  view["facts"] = to_json(node.report ? node.report->facts() : v1::NodeFacts());
  view["vitals"] = node.report && node.report->has_vitals() ? to_json(node.report->vitals()) : json(nullptr);
  view["clock"] = clock_view(node);
  view["boot_id"] = node.report ? node.report->boot_id() : "";
  view["stack_reports"] = json::array();
  if (node.report) {
    for (const v1::StackReport& stack : node.report->stacks())
      view["stack_reports"].push_back(to_json(stack));
  }
  view["desired_stacks"] = json::array();
  for (const auto& [stack, release] : node.stacks) {
    view["desired_stacks"].push_back(
        {{"stack", stack}, {"digest", release.digest}, {"revision", release.revision}});
  }
  return view;
}

json sync_view(const SyncResult& result) {
  return {{"revision", result.revision},
          {"changed", result.changed},
          {"state", name_of(result.state)},
          {"error", result.error},
          {"diagnostics", diagnostics_json(result.diagnostics)},
          {"published", result.published}};
}

json convergence_view(const Convergence& convergence, bool settled) {
  return {{"converged", settled && convergence.converged()},
          {"failed", laggards_view(convergence.failed)},
          {"waiting", laggards_view(convergence.waiting)},
          {"scheduled", laggards_view(convergence.scheduled)},
          {"offline", convergence.offline}};
}

json why_view(const WhyQuestion& question, const Why& why) {
  const std::string there = why.revision.empty() ? "" : "runs all that the newest revision has for it";
  return {{"node", question.node},
          {"stack", question.stack},
          {"revision", why.revision},
          {"running_revision", why.reported_revision},
          {"on_revision", why.on_revision()},
          {"text", why.on_revision() ? there : why.causes.front().text},
          {"causes", causes_view(why.causes)},
          {"notes", causes_view(why.notes)}};
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
