#include "hub/cli/views.h"

#include <algorithm>

#include <fmt/format.h>

#include "hub/cli/text.h"

namespace hivemind::hub::cli {
namespace {

std::string subject_of(const Json& event) {
  const std::string stack = text_of(event, "stack");
  const std::string service = text_of(event, "service");
  return service.empty() ? stack : stack + "/" + service;
}

}  // namespace

std::string why(const Json& item) {
  const std::string reason = text_of(item, "reason");
  const std::string text = text_of(item, "text");
  if (reason.empty() || reason == "none") return text;
  return text.empty() ? reason : reason + ": " + text;
}

std::string diagnostics_view(const Json& diagnostics, const Screen& screen) {
  std::string text;
  for (const Json& diagnostic : diagnostics) {
    std::string line = printable(text_of(diagnostic, "text"));
    // The line is "file:line:column: error: …"; only the severity is painted, so that the place can still be
    // clicked.
    const std::string severity = text_of(diagnostic, "severity");
    const std::size_t at = line.find(": " + severity + ": ");
    if (!severity.empty() && at != std::string::npos) {
      line.replace(at + 2, severity.size(), paint(screen, tone_of(severity), severity));
    }
    text += line + "\n";
  }
  return text;
}

bool has_errors(const Json& diagnostics) {
  return std::any_of(diagnostics.begin(), diagnostics.end(),
                     [](const Json& each) { return text_of(each, "severity") == "error"; });
}

std::string failure_view(std::string_view text, const Screen& screen) {
  return fmt::format("{} {}\n", paint(screen, Tone::kBad, "error:"), printable(text));
}

std::string sync_view(const Json& sync, const Screen& screen) {
  const std::string state = text_of(sync, "state");
  const std::string revision = printable(short_revision(text_of(sync, "revision")));
  const auto published = static_cast<std::int64_t>(list_of(sync, "published").size());
  std::string text = fmt::format("{} {}", revision, paint(screen, tone_of(state), printable(state)));
  if (state == "applied") text += fmt::format(", manifests published for {}", count_text(published, "node"));
  if (state == "unchanged") text = fmt::format("{} unchanged", revision);
  if (!text_of(sync, "error").empty()) text += ": " + printable(text_of(sync, "error"));
  text += "\n" + diagnostics_view(list_of(sync, "diagnostics"), screen);
  const bool says_how =  // the hub may have said so
      text.find("--confirm-empty") != std::string::npos || text.find("trust resume") != std::string::npos;
  if (state == "held" && !says_how) {
    text += "no node was changed; run 'hivemind sync --confirm-empty' if every node is to be emptied\n";
  }
  if (state == "invalid") text += "no node was changed; mend what the diagnostics say and commit again\n";
  return text;
}

std::string notices_view(const Json& entries, const char* place, const Screen& screen) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& entry : entries) {
    for (const Json& notice : list_of(entry, "notices")) {
      const std::string service = text_of(notice, "service");
      const std::string where = text_of(entry, place);
      rows.push_back({{service.empty() ? where : where + "/" + service},
                      {text_of(notice, "kind")},
                      {text_of(notice, "text")}});
    }
  }
  if (rows.empty()) return "";
  return "\n" + layout({{"NOTICE", Overflow::kCut}, {"KIND"}, {"TEXT", Overflow::kWrap}}, rows, screen);
}

std::string failures_view(const Json& entries, const char* place, const Screen& screen) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& entry : entries) {
    const Json& failed = part_of(entry, "failed");
    if (failed.empty()) continue;
    const std::string service = text_of(failed, "service");
    const std::string where = text_of(entry, place);
    rows.push_back({{service.empty() ? where : where + "/" + service},
                    {short_revision(text_of(failed, "revision"))},
                    {fmt::format("{}", count_of(failed, "exit_code"))},
                    {why(failed)}});
    const std::string output = text_of(failed, "output");
    if (!output.empty()) rows.push_back({{""}, {""}, {""}, {output, Tone::kFaint}});
  }
  if (rows.empty()) return "";
  return "\n" + layout({{"FAILED RELEASE", Overflow::kCut},
                        {"REVISION"},
                        {"EXIT"},
                        {"WHY, LAST OUTPUT", Overflow::kWrap, 0, 12}},
                       rows, screen);
}

std::string waiting_view(const Json& convergence, const Screen& screen) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& node : list_of(convergence, "failed")) {
    rows.push_back({{"failed", Tone::kBad}, {text_of(node, "node")}, {why(node)}});
  }
  for (const Json& node : list_of(convergence, "waiting")) {
    rows.push_back({{"waiting", Tone::kBusy}, {text_of(node, "node")}, {why(node)}});
  }
  for (const Json& node : list_of(convergence, "scheduled")) {
    rows.push_back({{"scheduled", Tone::kBusy}, {text_of(node, "node")}, {why(node)}});
  }
  for (const Json& node : list_of(convergence, "offline")) {
    rows.push_back({{"offline", Tone::kFaint},
                    {node.is_string() ? node.get<std::string>() : ""},
                    {"gets it when it returns"}});
  }
  if (rows.empty()) return "";
  return layout({{"", Overflow::kKeep, 7}, {"", Overflow::kCut}, {"", Overflow::kWrap}}, rows, screen,
                Titles::kHidden);
}

std::string progress_line(const Json& convergence) {
  constexpr std::size_t kMostNamed = 4;
  const Json& waiting = list_of(convergence, "waiting");
  if (waiting.empty()) return "";
  std::string text = "waiting for " + count_text(static_cast<std::int64_t>(waiting.size()), "node");
  for (std::size_t i = 0; i < std::min(kMostNamed, waiting.size()); ++i) {
    const std::string about = why(waiting[i]);
    text += fmt::format("{}{}{}", i == 0 ? ": " : ", ", text_of(waiting[i], "node"),
                        about.empty() ? "" : " (" + about + ")");
  }
  if (waiting.size() > kMostNamed) text += fmt::format(", and {} more", waiting.size() - kMostNamed);
  return text;
}

std::string events_view(const Json& events, const Screen& screen) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& event : list_of(events, "events")) {
    rows.push_back({{clock_text(text_of(event, "at")), Tone::kFaint},
                    {text_of(event, "node")},
                    {text_of(event, "kind")},
                    {subject_of(event)},
                    {why(event)}});
  }
  if (rows.empty()) return "";
  return layout({{"", Overflow::kKeep, 19},
                 {"", Overflow::kCut, 6},
                 {"", Overflow::kKeep, 13},
                 {"", Overflow::kCut, 6},
                 {"", Overflow::kWrap}},
                rows, screen, Titles::kHidden);
}

}  // namespace hivemind::hub::cli
