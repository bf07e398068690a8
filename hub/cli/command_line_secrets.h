#pragma once

#include <optional>
#include <string>

#include "hub/cli/secret_invocation.h"

namespace CLI {
class App;
}

namespace hivemind::hub::cli {

// The definitions of 'secret …' and 'registry …', and the variables that CLI11 writes to. Part of the adapter
// of CLI11.
class SecretDefinitions {
 public:
  void add_to(CLI::App& app);
  // What was asked for, if it was any of these.
  std::optional<SecretCommand> command() const;

 private:
  void add_secret_commands(CLI::App& secret);
  void add_registry_commands(CLI::App& registry);
  void take_scope(CLI::App& command);
  std::string scope() const;

  CLI::App* set_ = nullptr;
  CLI::App* list_ = nullptr;
  CLI::App* remove_ = nullptr;
  CLI::App* key_ = nullptr;
  CLI::App* seal_ = nullptr;
  CLI::App* login_ = nullptr;
  CLI::App* logins_ = nullptr;
  CLI::App* logout_ = nullptr;

  std::string name_, file_, key_file_;
  std::string node_, selector_, stack_;
  std::string registry_, username_, password_file_;
  bool force_ = false;
};

}  // namespace hivemind::hub::cli
