#include <fmt/format.h>

#include "hub/cli/text.h"
#include "hub/cli/views.h"

namespace hivemind::hub::cli {
namespace {

constexpr std::size_t kMostNodes = 10;
constexpr std::size_t kMostKeys = 3;
constexpr std::string_view kForeignKeyRemedy =
    "where the hub was restored from a backup of before a rotation, put back its newest 'signing.key'; else "
    "enrol such a node here ('hivemind node replace'), or give one that is not enrolled this hub's 'hub.pub'";

using Rows = std::vector<std::vector<Cell>>;

void add_git(Rows& rows, const Json& git, const Screen& screen) {
  const std::string path = text_of(git, "path");
  rows.push_back({{"git"},
                  {fmt::format("{}, branch '{}'{}", text_of(git, "url"), text_of(git, "branch"),
                               path.empty() ? "" : fmt::format(", path '{}'", path))}});
  const std::string state = text_of(git, "state");
  if (!text_of(git, "revision").empty()) {
    rows.push_back({{""},
                    {fmt::format("{}  {} (fetched {})", short_revision(text_of(git, "revision")),
                                 text_of(git, "commit"), age(text_of(git, "fetched_at"), screen.now))}});
  }
  if (!text_of(git, "signer").empty()) rows.push_back({{""}, {text_of(git, "signer")}});
  if (state == "failed") {
    const auto retry = std::chrono::milliseconds{count_of(git, "retry_in_ms")};
    const std::string next = retry.count() > 0 ? fmt::format("; next try in {}", duration_text(retry)) : "";
    rows.push_back({{""}, {fmt::format("fetch failed: {}{}", text_of(git, "error"), next), Tone::kBad}});
  } else if (state == "never") {
    rows.push_back({{""}, {"nothing fetched yet", Tone::kBusy}});
  }
}

// held: a line of its own says why.
void add_desired(Rows& rows, const Json& desired, bool held) {
  const std::string state = text_of(desired, "state");
  const std::string revision = short_revision(text_of(desired, "revision"));
  const std::string text = held ? "every node keeps what it has" : text_of(desired, "text");
  if (state == "none" || state.empty()) {
    rows.push_back({{"desired"}, {"nothing yet", Tone::kBusy}});
    return;
  }
  rows.push_back(
      {{"desired"},
       {fmt::format("{} {}{}", revision, state, text.empty() ? "" : ": " + text), tone_of(state)}});
  if (state == "invalid")
    rows.push_back({{""}, {"no node was changed; mend what the diagnostics say and commit again"}});
  const bool says_how = held || text.find("--confirm-empty") != std::string::npos;
  if (state == "held" && !says_how) {  // the hub may have said so
    rows.push_back(
        {{""}, {"no node was changed; run 'hivemind sync --confirm-empty' if every node is to be emptied"}});
  }
}

void add_broker(Rows& rows, const Json& broker) {
  const bool connected = flag_of(broker, "connected");
  const std::string error = text_of(broker, "error");
  rows.push_back(
      {{"broker"},
       {fmt::format("{}{}, {}{}", text_of(broker, "url"), flag_of(broker, "embedded") ? " (embedded)" : "",
                    connected ? "connected" : "not connected", error.empty() ? "" : ": " + error),
        connected ? Tone::kPlain : Tone::kBad}});
}

void add_store(Rows& rows, const Json& store) {
  if (text_of(store, "error").empty()) return;  // its state is of interest only when it cannot be written
  rows.push_back({{"store"}, {text_of(store, "error"), Tone::kBad}});
}

void add_trust(Rows& rows, const Json& trust) {
  if (flag_of(trust, "held")) rows.push_back({{"held"}, {text_of(trust, "text"), Tone::kBad}});
  std::size_t shown = 0;
  for (const Json& foreign : list_of(trust, "foreign_keys")) {
    if (++shown > kMostKeys) break;
    const auto nodes = count_of(foreign, "nodes");
    rows.push_back({{shown == 1 ? "keys" : ""},
                    {fmt::format("{} node{} key '{}', such as '{}', which this hub does not have ({})", nodes,
                                 nodes == 1 ? " obeys" : "s obey", text_of(foreign, "key"),
                                 text_of(foreign, "node"), kForeignKeyRemedy),
                     Tone::kBad}});
  }
}

void add_counts(Rows& rows, const Json& status) {
  const Json& nodes = part_of(status, "nodes");
  const Json& stacks = part_of(status, "stacks");
  const auto failed = [](const Json& counts) {
    return count_of(counts, "failed") > 0 ? fmt::format(", {} failed", count_of(counts, "failed"))
                                          : std::string();
  };
  rows.push_back({{"nodes"},
                  {fmt::format("{}: {} online, {} converged{}", count_of(nodes, "total"),
                               count_of(nodes, "online"), count_of(nodes, "converged"), failed(nodes)),
                   count_of(nodes, "failed") > 0 ? Tone::kBad : Tone::kPlain}});
  rows.push_back({{"stacks"},
                  {fmt::format("{}: {} running{}", count_of(stacks, "total"), count_of(stacks, "running"),
                               failed(stacks)),
                   count_of(stacks, "failed") > 0 ? Tone::kBad : Tone::kPlain}});
}

// Failed nodes first, then those under way, then those that are away.
int rank(const Json& node) {
  const std::string state = text_of(node, "state");
  if (state == "failed") return 0;
  return state == "offline" ? 2 : 1;
}

std::string not_converged(const Json& nodes, const Screen& screen) {
  Rows rows;
  for (const int wanted : {0, 1, 2}) {
    for (const Json& node : list_of(nodes, "nodes")) {
      const std::string state = text_of(node, "state");
      if (state == "converged" || state == "revoked" || rank(node) != wanted) continue;
      rows.push_back({{text_of(node, "id")},
                      {state, tone_of(state)},
                      {age(text_of(node, "seen_at"), screen.now)},
                      {why(node)}});
    }
  }
  if (rows.empty()) return "";
  const std::size_t more = rows.size() > kMostNodes ? rows.size() - kMostNodes : 0;
  rows.resize(rows.size() - more);
  std::string text = "\n" + paint(screen, Tone::kStrong, "not converged") + "\n";
  text +=
      layout({{"NODE", Overflow::kCut}, {"STATE"}, {"SEEN"}, {"WHY", Overflow::kWrap, 0, 4}}, rows, screen);
  if (more > 0) text += fmt::format("and {} more (see 'hivemind node ls')\n", more);
  return text;
}

std::string next_step(const Json& status) {
  if (count_of(part_of(status, "nodes"), "total") > 0) return "";
  return "\nno nodes yet (let a machine in: hivemind node token create)\n";
}

}  // namespace

bool is_well(const Json& status) {
  const std::string desired = text_of(part_of(status, "desired"), "state");
  if (desired == "invalid" || desired == "held" || desired == "unsigned") return false;
  if (text_of(part_of(status, "git"), "state") == "failed" ||
      !flag_of(part_of(status, "broker"), "connected")) {
    return false;
  }
  const Json& trust = part_of(status, "trust");
  if (!text_of(part_of(status, "store"), "error").empty() || flag_of(trust, "held")) return false;
  if (!list_of(trust, "foreign_keys").empty()) return false;
  return count_of(part_of(status, "nodes"), "failed") == 0 && !has_errors(list_of(status, "diagnostics"));
}

std::string status_view(const Json& status, const Json& nodes, std::string_view hub_url,
                        const Screen& screen) {
  Rows rows;
  rows.push_back({{"hub"}, {fmt::format("{}, version {}", hub_url, text_of(status, "version"))}});
  add_git(rows, part_of(status, "git"), screen);
  add_desired(rows, part_of(status, "desired"), flag_of(part_of(status, "trust"), "held"));
  add_broker(rows, part_of(status, "broker"));
  add_store(rows, part_of(status, "store"));
  add_trust(rows, part_of(status, "trust"));
  add_counts(rows, status);
  for (auto& row : rows) row.front().tone = Tone::kStrong;
  std::string text = layout({{""}, {"", Overflow::kWrap}}, rows, screen, Titles::kHidden);
  const Json& diagnostics = list_of(status, "diagnostics");
  if (!diagnostics.empty()) {
    text += "\n" + paint(screen, Tone::kStrong, "diagnostics") + "\n" + diagnostics_view(diagnostics, screen);
  }
  return text + not_converged(nodes, screen) + next_step(status);
}

}  // namespace hivemind::hub::cli
