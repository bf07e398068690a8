#pragma once

#include <optional>
#include <string>
#include <vector>

#include "hub/cli/enrolment_invocation.h"

namespace CLI {
class App;
}

namespace hivemind::hub::cli {

// Throws CLI11's error for a label that is given twice, be it to be set (key=value) or taken away (key-).
void require_distinct(const std::vector<std::string>& labels);

// The definitions of 'node token …', 'node approve' and their kin, and the variables that CLI11 writes to.
// Part of the adapter of CLI11.
class EnrolmentDefinitions {
 public:
  // To the groups of 'node …' and of 'trust …' commands.
  void add_to_node(CLI::App& node);
  void add_to_trust(CLI::App& trust);
  // What was asked for, if it was any of these.
  std::optional<EnrolmentCommand> command() const;

 private:
  void add_token_commands(CLI::App& node);
  void add_waiting_commands(CLI::App& node);
  void add_member_commands(CLI::App& node);
  void add_bootstrap(CLI::App& node);
  void take_wish(CLI::App& command);
  void take_labels(CLI::App& command);
  EnrolmentWish wish() const;
  NodeLabelCommand label_command() const;

  CLI::App* token_create_ = nullptr;
  CLI::App* token_list_ = nullptr;
  CLI::App* token_revoke_ = nullptr;
  CLI::App* waiting_ = nullptr;
  CLI::App* approve_ = nullptr;
  CLI::App* reject_ = nullptr;
  CLI::App* revoke_ = nullptr;
  CLI::App* replace_ = nullptr;
  CLI::App* label_ = nullptr;
  CLI::App* bootstrap_ = nullptr;
  CLI::App* ca_ = nullptr;

  std::string ttl_ = "1h";
  int uses_ = 1;
  std::vector<std::string> labels_, changes_;
  std::string id_, node_, which_, token_, package_;
  bool approval_ = false, cloud_init_ = false, pi_ = false, pem_ = false;
};

}  // namespace hivemind::hub::cli
