// Tokens and the audit log.
#include <ostream>

#include "hub/cli/commands.h"
#include "hub/cli/views.h"

namespace hivemind::hub::cli {

ExitCode create_token(const TokenCreateCommand& command, Output output, HubClient& hub,
                      const Console& console) {
  Json body = {{"name", command.name}, {"role", command.role}};
  if (command.life) body["ttl_s"] = command.life->count() / 1000;
  Json scope = Json::object();
  if (!command.nodes.empty()) scope["nodes"] = command.nodes;
  if (!command.stacks.empty()) scope["stacks"] = command.stacks;
  if (!scope.empty()) body["scope"] = scope;
  const Json answer = hub.post("/api/v1/access/tokens", body, HubClient::kTimeout);
  console.out << (output == Output::kJson ? pretty(answer) : new_token_view(answer, console.out_screen()));
  return ExitCode::kOk;
}

ExitCode revoke_token(const TokenRevokeCommand& command, Output output, HubClient& hub,
                      const Console& console) {
  const Json answer = hub.post("/api/v1/access/tokens/" + http::Client::escape(command.token) + "/revoke",
                               Json::object(), HubClient::kTimeout);
  console.out << (output == Output::kJson ? pretty(answer)
                                          : "token '" + text_of(answer, "name") + "' is revoked\n");
  return ExitCode::kOk;
}

ExitCode audit_list(const AuditListCommand& command, Output output, HubClient& hub, const Console& console) {
  std::string target = "/api/v1/audit?limit=" + std::to_string(command.limit);
  if (command.since) target += "&within=" + std::to_string(command.since->count() / 1000);
  if (!command.who.empty()) target += "&who=" + http::Client::escape(command.who);
  const Json answer = hub.get(target);
  console.out << (output == Output::kJson ? pretty(answer) : audit_view(answer, console.out_screen()));
  return ExitCode::kOk;
}

ExitCode audit_verify(const AuditVerifyCommand& command, Output output, HubClient& hub,
                      const Console& console) {
  constexpr std::chrono::minutes kPatience{5};
  const std::string about = command.head.empty() ? "" : "?head=" + http::Client::escape(command.head);
  const Json answer = hub.get("/api/v1/audit/verify" + about, kPatience);
  console.out << (output == Output::kJson ? pretty(answer)
                                          : audit_verdict_view(answer, console.out_screen()));
  return flag_of(answer, "whole") ? ExitCode::kOk : ExitCode::kBad;
}

}  // namespace hivemind::hub::cli
