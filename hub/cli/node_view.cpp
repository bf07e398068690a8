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
  if (!text_of(facts, "os_release").empty()) text = text_of(facts, "os_release") + ", " + text;
  if (!text_of(facts, "kernel").empty()) text += ", kernel " + text_of(facts, "kernel");
  if (!text_of(facts, "engine_version").empty()) {
    text +=
        fmt::format(", engine {} (API {})", text_of(facts, "engine_version"), text_of(facts, "engine_api"));
  }
  return text;
}

std::string or_dash(std::string text) {
  return text.empty() ? "-" : text;
}

void append(std::string& text, const std::string& part) {
  if (!part.empty()) text += (text.empty() ? "" : ", ") + part;
}

std::string free_text(const std::string& what, std::int64_t free, std::int64_t of) {
  if (free == 0) return {};
  return of == 0 ? fmt::format("{} {} free", what, size_text(free))
                 : fmt::format("{} {} of {} free", what, size_text(free), size_text(of));
}

// The board, and what it has.
std::string machine_text(const Json& facts) {
  std::string text;
  append(text, text_of(facts, "model"));
  if (count_of(facts, "cpus") > 0) append(text, count_text(count_of(facts, "cpus"), "CPU"));
  if (count_of(facts, "memory_bytes") > 0)
    append(text, size_text(count_of(facts, "memory_bytes")) + " of memory");
  return or_dash(text);
}

double number_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<double>() : 0;
}

std::string time_up(const Json& vitals, const char* key) {
  return duration_text(std::chrono::seconds(count_of(vitals, key)));
}

// As of the last report.
std::string vitals_text(const Json& vitals, const Json& facts) {
  std::string text;
  if (count_of(vitals, "uptime_s") > 0) append(text, "up " + time_up(vitals, "uptime_s"));
  append(text, fmt::format("load {:.2f}", number_of(vitals, "load")));
  append(text,
         free_text("memory", count_of(vitals, "memory_available_bytes"), count_of(facts, "memory_bytes")));
  append(text,
         free_text("disk", count_of(vitals, "engine_disk_free_bytes"), count_of(facts, "engine_disk_bytes")));
  if (number_of(vitals, "temperature_c") != 0)
    append(text, fmt::format("{:.1f} °C", number_of(vitals, "temperature_c")));
  return text;
}

std::string agent_text(const Json& node) {
  std::string text = or_dash(text_of(node, "agent_version"));
  const Json& vitals = part_of(node, "vitals");
  if (count_of(vitals, "agent_uptime_s") > 0) append(text, "up " + time_up(vitals, "agent_uptime_s"));
  const std::int64_t memory = count_of(vitals, "agent_memory_bytes");
  if (memory > 0) append(text, size_text(memory) + " of memory");
  return text;
}

// Only where it says something: a clock that is right is of no interest.
std::string clock_trouble(const Json& clock) {
  constexpr std::int64_t kTellingMs = 2'000;
  const std::int64_t offset = count_of(clock, "offset_ms");
  if (offset >= -kTellingMs && offset <= kTellingMs) return {};
  return fmt::format("{} {} the hub's, {}",
                     duration_text(std::chrono::milliseconds(offset < 0 ? -offset : offset)),
                     offset > 0 ? "ahead of" : "behind",
                     flag_of(clock, "synchronised") ? "synchronised" : "not synchronised");
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

// Who vouches for it.
std::string identity_text(const Json& node, const Screen& screen) {
  const std::string membership = text_of(node, "membership");
  const std::string revoked = text_of(node, "revoked_at");
  if (membership == "revoked" && revoked.empty()) return "revoked";
  if (membership == "revoked")
    return fmt::format("revoked {} ({})", age(revoked, screen.now), clock_text(revoked));
  if (membership != "enrolled") return "not enrolled";
  const std::string until = text_of(node, "certificate_until");
  const auto at = parse_time(until);
  if (!at) return "enrolled";
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(*at - screen.now);
  return left.count() > 0
             ? fmt::format("enrolled, certificate until {} ({})", clock_text(until), duration_text(left))
             : fmt::format("enrolled, certificate ended {}", age(until, screen.now));
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
    return "no nodes yet (let a machine in: hivemind node token create)\n";
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
  rows.push_back(
      {{"identity"},
       {identity_text(node, screen), text_of(node, "membership") == "revoked" ? Tone::kBad : Tone::kPlain}});
  for (const char* key : {"desired", "received", "applied", "failed", "running"}) {
    rows.push_back({{key}, {position_text(node, key)}});
  }
  const Json& facts = part_of(node, "facts");
  rows.push_back({{"host"}, {text_of(facts, "hostname").empty() ? "-" : text_of(facts, "hostname")}});
  rows.push_back({{"machine"}, {machine_text(facts)}});
  rows.push_back({{"system"}, {facts_text(facts)}});
  rows.push_back({{"agent"}, {agent_text(node)}});
  const Json& vitals = part_of(node, "vitals");
  if (!vitals.empty()) rows.push_back({{"vitals"}, {vitals_text(vitals, facts)}});
  const std::string clock = clock_trouble(part_of(node, "clock"));
  if (!clock.empty()) rows.push_back({{"clock"}, {clock, Tone::kBusy}});
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
  const Json& reports = list_of(node, "stack_reports");
  return text + failures_view(reports, "stack", screen) + notices_view(reports, "stack", screen);
}

}  // namespace hivemind::hub::cli
