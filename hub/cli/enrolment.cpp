// How machines become nodes, and stop being any.
#include <ostream>

#include <fmt/format.h>

#include "hub/cli/bootstrap.h"
#include "hub/cli/commands.h"
#include "hub/cli/text.h"
#include "hub/cli/views.h"

namespace hivemind::hub::cli {
namespace {

constexpr const char* kTokens = "/api/v1/enrolment/tokens";

Json body_of(const EnrolmentWish& wish) {
  Json body = {{"ttl_s", std::chrono::duration_cast<std::chrono::seconds>(wish.ttl).count()},
               {"uses", wish.uses}};
  if (!wish.labels.empty()) body["labels"] = wish.labels;
  if (!wish.node.empty()) body["node"] = wish.node;
  if (wish.needs_approval) body["approve"] = true;
  return body;
}

std::string target_of_node(const std::string& node, const char* what) {
  return fmt::format("/api/v1/nodes/{}/{}", node, what);
}

std::string target_of_waiting(const std::string& which, const char* what) {
  return fmt::format("/api/v1/enrolment/waiting/{}/{}", http::Client::escape(which), what);
}

// Of a new token: where it names the hub, no machine but this one finds it there.
void warn_of_loopback(const Json& answer, const Console& console) {
  const std::string hub = text_of(answer, "hub");
  if (hub.find("//127.") == std::string::npos && hub.find("//[::1]") == std::string::npos &&
      hub.find("//localhost") == std::string::npos)
    return;
  console.err
      << "the hub's API listens on this machine only (give the hub --listen and --advertise for machines "
         "elsewhere)\n";
}

// One line on standard output, to be copied; what else there is to say goes beside it.
ExitCode print_line(const Json& answer, Output output, const Console& console) {
  console.out << (output == Output::kJson ? pretty(answer) : enrolment_line(answer));
  if (output == Output::kTable) warn_of_loopback(answer, console);
  return ExitCode::kOk;
}

ExitCode print(const Json& answer, Output output, const Console& console, const std::string& text) {
  console.out << (output == Output::kJson ? pretty(answer) : printable(text) + "\n");
  return ExitCode::kOk;
}

}  // namespace

ExitCode create_enrolment_token(const NodeTokenCreateCommand& command, Output output, HubClient& hub,
                                const Console& console) {
  return print_line(hub.post(kTokens, body_of(command.wish), HubClient::kTimeout), output, console);
}

ExitCode revoke_enrolment_token(const NodeTokenRevokeCommand& command, Output output, HubClient& hub,
                                const Console& console) {
  const Json answer = hub.post(fmt::format("{}/{}/revoke", kTokens, http::Client::escape(command.token)),
                               Json::object(), HubClient::kTimeout);
  return print(answer, output, console, fmt::format("token {} is revoked", text_of(answer, "id")));
}

ExitCode approve(const NodeApproveCommand& command, Output output, HubClient& hub, const Console& console) {
  Json body = Json::object();
  if (!command.node.empty()) body["node"] = command.node;
  const Json answer = hub.post(target_of_waiting(command.which, "approve"), body, HubClient::kTimeout);
  return print(answer, output, console,
               fmt::format("machine '{}' becomes node '{}' when it asks next, in a few seconds",
                           text_of(part_of(answer, "facts"), "hostname"), text_of(answer, "node")));
}

ExitCode reject(const NodeRejectCommand& command, Output output, HubClient& hub, const Console& console) {
  const Json answer =
      hub.post(target_of_waiting(command.which, "reject"), Json::object(), HubClient::kTimeout);
  return print(
      answer, output, console,
      fmt::format("request {} is turned away; its token is still good (hivemind node token revoke {})",
                  text_of(answer, "request"), text_of(answer, "token")));
}

ExitCode revoke_node(const NodeRevokeCommand& command, Output output, HubClient& hub,
                     const Console& console) {
  const Json answer = hub.post(target_of_node(command.node, "revoke"), Json::object(), HubClient::kTimeout);
  const std::string to_do = text_of(answer, "to_do");
  return print(answer, output, console,
               fmt::format("node '{}' is revoked{}{}", text_of(answer, "node"),
                           to_do.empty() ? "" : "; to do: ", to_do));
}

ExitCode replace(const NodeReplaceCommand& command, Output output, HubClient& hub, const Console& console) {
  Json body = body_of(command.wish);
  body.erase("uses");
  return print_line(hub.post(target_of_node(command.node, "replace"), body, HubClient::kTimeout), output,
                    console);
}

ExitCode label(const NodeLabelCommand& command, Output output, HubClient& hub, const Console& console) {
  const Json body = {{"set", Json(command.set)}, {"remove", command.remove}};
  const Json answer = hub.post(target_of_node(command.node, "labels"), body, HubClient::kTimeout);
  std::string text = text_of(answer, "node") + ":";
  for (const auto& [key, value] : part_of(answer, "labels").items()) {
    if (value.is_string()) text += " " + key + "=" + value.get<std::string>();
  }
  return print(answer, output, console, text);
}

ExitCode bootstrap(const NodeBootstrapCommand& command, Output output, HubClient& hub,
                   const Console& console) {
  const Json answer = hub.post(kTokens, body_of(command.wish), HubClient::kTimeout);
  const Bootstrap machine{text_of(answer, "hub"), text_of(answer, "text"), command.package};
  const std::string text =
      command.form == NodeBootstrapCommand::Form::kPi ? pi_first_run(machine) : cloud_init(machine);
  console.out << (output == Output::kJson ? pretty({{"token", part_of(answer, "token")}, {"text", text}})
                                          : text);
  if (output == Output::kTable) warn_of_loopback(answer, console);
  return ExitCode::kOk;
}

ExitCode authority(const TrustCaCommand& command, Output output, HubClient& hub, const Console& console) {
  const Json answer = hub.get("/api/v1/ca");
  if (output == Output::kJson) {
    console.out << pretty(answer);
  } else {
    console.out << (command.pem ? text_of(answer, "ca") : authority_view(answer, console.out_screen()));
  }
  return ExitCode::kOk;
}

}  // namespace hivemind::hub::cli
