#include <fmt/format.h>

#include "hub/cli/text.h"
#include "hub/cli/views.h"

namespace hivemind::hub::cli {
namespace {

std::string labels_text(const Json& labels) {
  std::string text;
  for (const auto& [key, value] : labels.items()) {
    if (value.is_string())
      text += fmt::format("{}{}={}", text.empty() ? "" : " ", key, value.get<std::string>());
  }
  return text.empty() ? "-" : text;
}

std::string position_text(const Json& node, std::string_view key) {
  const Json& position = part_of(node, key);
  if (count_of(position, "generation") == 0) return "-";
  return fmt::format("{} (generation {})", short_revision(text_of(position, "revision")),
                     count_of(position, "generation"));
}

std::string revision_text(const Json& node, std::string_view key) {
  const std::string revision = short_revision(text_of(part_of(node, key), "revision"));
  return revision.empty() ? "-" : revision;
}

std::string facts_text(const Json& facts) {
  std::string text = fmt::format("{} {}", text_of(facts, "os"), text_of(facts, "architecture"));
  if (!text_of(facts, "kernel").empty()) text += ", kernel " + text_of(facts, "kernel");
  if (!text_of(facts, "engine_version").empty()) {
    text +=
        fmt::format(", engine {} (API {})", text_of(facts, "engine_version"), text_of(facts, "engine_api"));
  }
  return text;
}

std::string replicas_text(const Json& service) {
  return fmt::format("{}/{}", count_of(service, "running"), count_of(service, "replicas"));
}

// A stack repeats what its services say; it is shown only where none of them says anything.
std::string why_of_stack(const Json& stack) {
  for (const Json& service : list_of(stack, "services")) {
    if (!why(service).empty()) return "";
  }
  return why(stack);
}

std::vector<std::vector<Cell>> service_rows(const Json& reports) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& stack : reports) {
    const std::string state = text_of(stack, "state");
    const std::string revision = short_revision(text_of(stack, "running_revision"));
    rows.push_back({{text_of(stack, "stack"), Tone::kStrong},
                    {state, tone_of(state)},
                    {""},
                    {revision.empty() ? "-" : revision},
                    {why_of_stack(stack)}});
    for (const Json& service : list_of(stack, "services")) {
      const std::string its = text_of(service, "state");
      const std::string about = why(service);
      rows.push_back({{"  " + text_of(service, "service")},
                      {its, tone_of(its)},
                      {replicas_text(service)},
                      {text_of(service, "health")},
                      {about.empty() ? text_of(service, "image") : about}});
    }
  }
  return rows;
}

// Stacks that the node is to run and does not report yet.
void add_unreported(std::vector<std::vector<Cell>>& rows, const Json& node) {
  for (const Json& desired : list_of(node, "desired_stacks")) {
    bool reported = false;
    for (const Json& report : list_of(node, "stack_reports")) {
      reported = reported || text_of(report, "stack") == text_of(desired, "stack");
    }
    if (!reported) {
      rows.push_back({{text_of(desired, "stack"), Tone::kStrong},
                      {"pending", Tone::kBusy},
                      {""},
                      {"-"},
                      {"not reported by the node yet"}});
    }
  }
}

}  // namespace

std::string node_list_view(const Json& nodes, const Screen& screen) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& node : list_of(nodes, "nodes")) {
    const std::string state = text_of(node, "state");
    const std::string about = why(node);
    rows.push_back({{text_of(node, "id")},
                    {state, tone_of(state)},
                    {fmt::format("{}", count_of(node, "stacks"))},
                    {revision_text(node, "desired")},
                    {revision_text(node, "running")},
                    {age(text_of(node, "seen_at"), screen.now)},
                    {about.empty() ? labels_text(part_of(node, "labels")) : about}});
  }
  if (rows.empty()) {
    return "no nodes yet (start an agent: hivemind-agent --node ID --broker URL --hub-key FILE)\n";
  }
  return layout({{"NODE", Overflow::kCut},
                 {"STATE"},
                 {"STACKS"},
                 {"DESIRED"},
                 {"RUNNING"},
                 {"SEEN"},
                 {"WHY OR LABELS", Overflow::kWrap, 0, 2}},
                rows, screen);
}

std::string node_view(const Json& node, const Screen& screen) {
  const std::string state = text_of(node, "state");
  const std::string about = why(node);
  std::vector<std::vector<Cell>> rows;
  rows.push_back({{"node"}, {text_of(node, "id")}});
  rows.push_back({{"state"}, {about.empty() ? state : state + ": " + about, tone_of(state)}});
  rows.push_back({{"presence"},
                  {fmt::format("{}, last report {}", flag_of(node, "online") ? "online" : "offline",
                               age(text_of(node, "seen_at"), screen.now))}});
  rows.push_back({{"labels"}, {labels_text(part_of(node, "labels"))}});
  for (const char* key : {"desired", "received", "applied", "failed", "running"}) {
    rows.push_back({{key}, {position_text(node, key)}});
  }
  const Json& facts = part_of(node, "facts");
  rows.push_back({{"host"}, {text_of(facts, "hostname").empty() ? "-" : text_of(facts, "hostname")}});
  rows.push_back({{"system"}, {facts_text(facts)}});
  rows.push_back(
      {{"agent"}, {text_of(node, "agent_version").empty() ? "-" : text_of(node, "agent_version")}});
  for (auto& row : rows) row.front().tone = Tone::kStrong;
  std::string text = layout({{""}, {"", Overflow::kWrap}}, rows, screen, Titles::kHidden) + "\n";
  auto services = service_rows(list_of(node, "stack_reports"));
  add_unreported(services, node);
  if (services.empty()) return text + "no stacks (a stack's 'nodes:' in stacks.yml selects by label or id)\n";
  text += layout({{"STACK, SERVICE", Overflow::kCut},
                  {"STATE"},
                  {"RUN"},
                  {"REVISION, HEALTH"},
                  {"WHY OR IMAGE", Overflow::kWrap}},
                 services, screen);
  return text + notices_view(list_of(node, "stack_reports"), "stack", screen);
}

}  // namespace hivemind::hub::cli
