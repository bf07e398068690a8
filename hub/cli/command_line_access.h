#pragma once

#include <optional>
#include <string>
#include <vector>

#include "hub/cli/access_invocation.h"

namespace CLI {
class App;
}

namespace hivemind::hub::cli {

// The definitions of 'token …' and 'audit …', and the variables that CLI11 writes to. Part of the adapter of
// CLI11.
class AccessDefinitions {
 public:
  void add_to(CLI::App& app);
  // What was asked for, if it was any of these.
  std::optional<AccessCommand> command() const;

 private:
  void add_token_commands(CLI::App& token);
  void add_audit_commands(CLI::App& audit);

  CLI::App* create_ = nullptr;
  CLI::App* list_ = nullptr;
  CLI::App* revoke_ = nullptr;
  CLI::App* audit_list_ = nullptr;
  CLI::App* audit_verify_ = nullptr;

  std::string token_, role_, selector_, who_, since_, head_;
  std::string life_ = "90d";
  std::vector<std::string> stacks_;
  int limit_ = 50;
};

}  // namespace hivemind::hub::cli
