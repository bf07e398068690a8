#include "agent/status.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/identity/clock.h"
#include "agent/identity/directory.h"
#include "agent/node/facts.h"
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

ordered_json report_json(const v1::Report& report) {
  ordered_json stacks = ordered_json::array();
  for (const v1::StackReport& stack : report.stacks())
    stacks.push_back(ordered_json(hivemind::to_json(stack)));
  return {{"node", report.node()},
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
}

std::string identity_text(const IdentityStatus& identity) {
  std::string text =
      fmt::format("hub       {}, broker {}\nidentity  node '{}', certificate until {}\n", identity.hub,
                  identity.broker, identity.node, utc_text(identity.certificate_until_s));
  if (!identity.clock_doubt.empty()) text += fmt::format("clock     {}\n", identity.clock_doubt);
  return text;
}

std::string report_text(const v1::Report& report) {
  std::string text =
      fmt::format("received  {}\napplied   {}\nrunning   {}\n", position_text(report.received()),
                  position_text(report.applied()), position_text(report.running()));
  if (report.failed().generation() != 0)
    text += fmt::format("failed    {}\n", position_text(report.failed()));
  if (report.reason() != v1::REASON_NONE) {
    text += fmt::format("reason    {}: {}\n", reason_name(report.reason()), report.text());
  } else if (!report.text().empty()) {
    text += fmt::format("trouble   {}\n", report.text());
  }
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

std::optional<IdentityStatus> identity_status(const std::filesystem::path& data_directory) {
  const IdentityDirectory directory(data_directory);
  if (!directory.exists()) return std::nullopt;
  const Enrolment enrolment = directory.enrolment();
  const CertificateLife life = directory.credential().life();
  ClockEvidence evidence;
  evidence.now_s = wall_clock_s();
  evidence.is_set_by_somebody = synchronised_clock_ms().has_value();
  evidence.certificate_issued_s = life.issued_at_s;
  evidence.certificate_until_s = life.not_after_s;
  return IdentityStatus{enrolment.node, enrolment.hub, enrolment.broker, life.not_after_s,
                        clock_doubt(evidence)};
}

}  // namespace

std::string to_json(const v1::Report* report, const IdentityStatus* identity) {
  ordered_json document = report != nullptr ? report_json(*report) : ordered_json{{"node", identity->node}};
  document["identity"] = nullptr;
  if (identity != nullptr) {
    document["identity"] = {{"node", identity->node},
                            {"hub", identity->hub},
                            {"broker", identity->broker},
                            {"certificate_until", utc_text(identity->certificate_until_s)},
                            {"clock_doubt", identity->clock_doubt}};
  }
  return document.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

std::string to_table(const v1::Report* report, const IdentityStatus* identity) {
  std::string text = fmt::format("node      {}\n", report != nullptr ? report->node() : identity->node);
  if (identity != nullptr) text += identity_text(*identity);
  return text + (report != nullptr ? report_text(*report) : "\nno agent has run yet\n");
}

std::string status_text(const Options& options) {
  const std::optional<IdentityStatus> identity = identity_status(options.data_directory);
  std::optional<v1::Report> report;
  if (std::filesystem::exists(options.data_directory / Store::kFile)) {
    report = Store(options.data_directory).report();
    if (!report && !identity) throw Error(ErrorCode::kNotFound, "the agent has not looked at its engine yet");
  } else if (!identity) {
    throw Error(ErrorCode::kNotFound, "no agent has run with '{}' (name its data directory with --data-dir)",
                options.data_directory.string());
  }
  const auto print = options.output == OutputForm::kJson ? to_json : to_table;
  return print(report ? &*report : nullptr, identity ? &*identity : nullptr);
}

}  // namespace hivemind::agent
