#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

// What the command line asks for of tokens and the audit log.
namespace hivemind::hub::cli {

struct TokenCreateCommand {
  std::string name;
  std::string role;
  std::string nodes;  // a selector; empty: all
  std::vector<std::string> stacks;
  std::optional<std::chrono::milliseconds> life;  // nothing: for ever
};
struct TokenListCommand {};
struct TokenRevokeCommand {
  std::string token;  // id or name
};
struct AuditListCommand {
  int limit = 0;
  std::optional<std::chrono::milliseconds> since;  // nothing: from the beginning
  std::string who;                                 // empty: all
};
struct AuditVerifyCommand {
  std::string head;  // noted before; empty: none
};

using AccessCommand = std::variant<TokenCreateCommand, TokenListCommand, TokenRevokeCommand, AuditListCommand,
                                   AuditVerifyCommand>;

}  // namespace hivemind::hub::cli
