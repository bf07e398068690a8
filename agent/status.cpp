#include "agent/status.h"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/store/store.h"
#include "common/error.h"
#include "common/report_json.h"
#include "common/report_text.h"

namespace hivemind::agent {
namespace {

using nlohmann::ordered_json;

std::string position_text(const v1::Position& position) {
  if (position.generation() == 0) return "-";
  return fmt::format("generation {}, revision {}", position.generation(), position.revision().substr(0, 12));
}

using Row = std::array<std::string, 4>;

// Columns as wide as their widest cell; the last one as long as it is.
std::string aligned(const std::vector<Row>& rows) {
  std::array<std::size_t, 4> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size() + 2);
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}", row[i], widths[i]);
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

std::string failures_text(const v1::Report& report) {
  std::vector<Row> rows;
  for (const v1::StackReport& stack : report.stacks()) {
    if (stack.has_failed()) rows.push_back({stack.stack(), failure_text(stack.failed()), "", ""});
  }
  if (rows.empty()) return {};
  rows.insert(rows.begin(), {"FAILED", "WHY (hivemind retry NODE STACK tries it again)", "", ""});
  return "\n" + aligned(rows);
}

std::string notices_text(const v1::Report& report) {
  std::vector<Row> rows;
  for (const v1::StackReport& stack : report.stacks()) {
    for (const v1::Notice& notice : stack.notices()) {
      const std::string service = notice.service().empty() ? "" : "/" + notice.service();
      rows.push_back({stack.stack() + service, notice.kind(), notice.text(), ""});
    }
  }
  if (rows.empty()) return {};
  rows.insert(rows.begin(), {"NOTICE", "KIND", "TEXT", ""});
  return "\n" + aligned(rows);
}

}  // namespace

std::string to_json(const v1::Report& report) {
  ordered_json stacks = ordered_json::array();
  for (const v1::StackReport& stack : report.stacks())
    stacks.push_back(ordered_json(hivemind::to_json(stack)));
  const ordered_json document{{"node", report.node()},
                              {"agent_version", report.agent_version()},
                              {"reported_at_ms", report.reported_at_ms()},
                              {"received", hivemind::to_json(report.received())},
                              {"applied", hivemind::to_json(report.applied())},
                              {"failed", hivemind::to_json(report.failed())},
                              {"running", hivemind::to_json(report.running())},
                              {"reason", reason_name(report.reason())},
                              {"text", report.text()},
                              {"facts", hivemind::to_json(report.facts())},
                              {"vitals", hivemind::to_json(report.vitals())},
                              {"stacks", stacks}};
  return document.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

std::string to_table(const v1::Report& report) {
  std::string text = fmt::format("node      {}\nreceived  {}\napplied   {}\nrunning   {}\n", report.node(),
                                 position_text(report.received()), position_text(report.applied()),
                                 position_text(report.running()));
  if (report.failed().generation() != 0)
    text += fmt::format("failed    {}\n", position_text(report.failed()));
  if (report.reason() != v1::REASON_NONE)
    text += fmt::format("reason    {}: {}\n", reason_name(report.reason()), report.text());
  if (report.stacks().empty()) return text + "\nno stacks\n";
  std::vector<Row> rows{{"STACK, SERVICE", "STATE", "RUNNING", "WHY"}};
  for (const v1::StackReport& stack : report.stacks()) {
    rows.push_back({stack.stack(), state_name(stack.state()), "", stack.text()});
    for (const v1::ServiceReport& service : stack.services()) {
      rows.push_back({"  " + service.service(), state_name(service.state()),
                      fmt::format("{}/{}", service.running(), service.replicas()), service.text()});
    }
  }
  return text + "\n" + aligned(rows) + failures_text(report) + notices_text(report);
}

std::string status_text(const Options& options) {
  const auto file = options.data_directory / Store::kFile;
  if (!std::filesystem::exists(file)) {
    throw Error(ErrorCode::kNotFound, "no agent has run with '{}' (name its data directory with --data-dir)",
                options.data_directory.string());
  }
  const std::optional<v1::Report> report = Store(options.data_directory).report();
  if (!report) throw Error(ErrorCode::kNotFound, "the agent has not looked at its engine yet");
  return options.output == OutputForm::kJson ? to_json(*report) : to_table(*report);
}

}  // namespace hivemind::agent
