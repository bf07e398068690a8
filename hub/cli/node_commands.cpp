// What is asked of, or about, one node.
#include <ostream>

#include <fmt/format.h>

#include "hub/cli/commands.h"
#include "hub/cli/text.h"
#include "hub/cli/views.h"

namespace hivemind::hub::cli {
namespace {

// The hub waits a minute for a node's reply.
constexpr std::chrono::seconds kPatience{70};

std::string target_of(const std::string& node, const char* what) {
  return fmt::format("/api/v1/nodes/{}/{}", node, what);
}

Json body_of(const std::string& stack) {
  Json body = Json::object();
  if (!stack.empty()) body["stack"] = stack;
  return body;
}

ExitCode done(const Json& answer, Output output, const Console& console) {
  console.out << (output == Output::kJson ? pretty(answer)
                                          : fmt::format("{}: {}\n", printable(text_of(answer, "node")),
                                                        printable(text_of(answer, "text"))));
  return ExitCode::kOk;
}

}  // namespace

ExitCode why(const WhyCommand& command, Output output, HubClient& hub, const Console& console) {
  const std::string about = command.stack.empty() ? "" : "?stack=" + command.stack;
  const Json answer = hub.get(target_of(command.node, "why") + about);
  console.out << (output == Output::kJson ? pretty(answer) : why_view(answer, console.out_screen()));
  return flag_of(answer, "on_revision") ? ExitCode::kOk : ExitCode::kBad;
}

ExitCode retry(const RetryCommand& command, Output output, HubClient& hub, const Console& console) {
  return done(hub.post(target_of(command.node, "retry"), body_of(command.stack), kPatience), output, console);
}

ExitCode apply(const ApplyCommand& command, Output output, HubClient& hub, const Console& console) {
  return done(hub.post(target_of(command.node, "apply"), body_of(command.stack), kPatience), output, console);
}

ExitCode purge(const PurgeCommand& command, Output output, HubClient& hub, const Console& console) {
  Json body = body_of(command.stack);
  if (!command.confirm.empty()) body["confirm"] = command.confirm;
  const Json answer = hub.post(target_of(command.node, "purge"), body, kPatience);
  console.out << (output == Output::kJson ? pretty(answer) : purge_view(answer, console.out_screen()));
  return text_of(answer, "state") == "changed" ? ExitCode::kBad : ExitCode::kOk;
}

}  // namespace hivemind::hub::cli
