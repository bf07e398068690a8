#include "agent/status.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/store/store.h"
#include "common/error.h"

namespace hivemind::agent {
namespace {

using nlohmann::ordered_json;

// "REASON_PULL_FAILED" -> "pull_failed"
std::string lower_name(const std::string& name, std::string_view prefix) {
  std::string text = name.substr(name.starts_with(prefix) ? prefix.size() : 0);
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

std::string text_of(v1::Reason reason) {
  return lower_name(v1::Reason_Name(reason), "REASON_");
}
std::string text_of(v1::State state) {
  return lower_name(v1::State_Name(state), "STATE_");
}

ordered_json position_json(const v1::Position& position) {
  return {{"generation", position.generation()}, {"revision", position.revision()}};
}

ordered_json service_json(const v1::ServiceReport& service) {
  return {{"service", service.service()},
          {"state", text_of(service.state())},
          {"reason", text_of(service.reason())},
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

ordered_json stack_json(const v1::StackReport& stack) {
  ordered_json services = ordered_json::array();
  for (const v1::ServiceReport& service : stack.services()) services.push_back(service_json(service));
  return {{"stack", stack.stack()},
          {"state", text_of(stack.state())},
          {"reason", text_of(stack.reason())},
          {"text", stack.text()},
          {"desired_digest", stack.desired_digest()},
          {"running_digest", stack.running_digest()},
          {"desired_revision", stack.desired_revision()},
          {"running_revision", stack.running_revision()},
          {"services", services}};
}

std::string position_text(const v1::Position& position) {
  if (position.generation() == 0) return "-";
  return fmt::format("generation {}, revision {}", position.generation(), position.revision().substr(0, 12));
}

}  // namespace

std::string to_json(const v1::Report& report) {
  ordered_json stacks = ordered_json::array();
  for (const v1::StackReport& stack : report.stacks()) stacks.push_back(stack_json(stack));
  const ordered_json document{{"node", report.node()},
                              {"agent_version", report.agent_version()},
                              {"reported_at_ms", report.reported_at_ms()},
                              {"received", position_json(report.received())},
                              {"applied", position_json(report.applied())},
                              {"failed", position_json(report.failed())},
                              {"running", position_json(report.running())},
                              {"reason", text_of(report.reason())},
                              {"text", report.text()},
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
    text += fmt::format("reason    {}: {}\n", text_of(report.reason()), report.text());
  if (report.stacks().empty()) return text + "\nno stacks\n";
  text += fmt::format("\n{:<24} {:<20} {:<10} {:<7} {}\n", "STACK", "SERVICE", "STATE", "RUNNING", "WHY");
  for (const v1::StackReport& stack : report.stacks()) {
    text += fmt::format("{:<24} {:<20} {:<10} {:<7} {}\n", stack.stack(), "", text_of(stack.state()), "",
                        stack.text());
    for (const v1::ServiceReport& service : stack.services()) {
      text += fmt::format("{:<24} {:<20} {:<10} {:<7} {}\n", "", service.service(), text_of(service.state()),
                          fmt::format("{}/{}", service.running(), service.replicas()), service.text());
    }
  }
  return text;
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
