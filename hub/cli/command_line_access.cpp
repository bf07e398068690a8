#include "hub/cli/command_line_access.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "hub/cli/text.h"

namespace hivemind::hub::cli {
namespace {

constexpr const char* kFooter = "The global flags --hub, --token-file, --ca and --output work here, too.";
constexpr int kMostEntries = 1000;

std::string check_life(const std::string& text) {
  return text == "never" || parse_span(text)
             ? ""
             : fmt::format("'{}' is no time up to 3653 days (such as '12h', '30d' or 'never')", text);
}

std::string check_span(const std::string& text) {
  return parse_span(text)
             ? ""
             : fmt::format("'{}' is no time up to 3653 days (such as '90m', '12h' or '30d')", text);
}

std::string check_role(const std::string& text) {
  return text == "viewer" || text == "operator" || text == "admin"
             ? ""
             : fmt::format("'{}' is no role (viewer, operator or admin)", text);
}

CLI::Validator validator(std::string (*check)(const std::string&)) {
  return CLI::Validator([check](std::string& text) { return check(text); }, "");
}

CLI::App* add(CLI::App& parent, const std::string& name, const std::string& description) {
  return parent.add_subcommand(name, description)->footer(kFooter);
}

}  // namespace

void AccessDefinitions::add_to(CLI::App& app) {
  add_token_commands(
      *add(app, "token", "Give people and programs the right to use the API")->require_subcommand(1));
  add_audit_commands(*add(app, "audit", "See who has changed what")->require_subcommand(1));
}

void AccessDefinitions::add_token_commands(CLI::App& token) {
  create_ =
      add(token, "create", "Make a token for a person or program, and print it: the hub keeps no copy of it");
  create_->add_option("NAME", token_, "Whose it is, for the lists and the audit log")
      ->type_name("")
      ->required();
  create_->add_option("--role", role_, "viewer looks, operator also has work done, admin may do all")
      ->type_name("viewer|operator|admin")
      ->required()
      ->check(validator(check_role));
  create_
      ->add_option("--nodes", selector_,
                   "Only these nodes: labels or ids, as in 'site=berlin,role=kiosk' or 'pi-1,pi-2'")
      ->type_name("SELECTOR");
  create_->add_option("--stacks", stacks_, "Only these stacks, with commas between")
      ->type_name("NAMES")
      ->delimiter(',')
      ->allow_extra_args(false);
  create_->add_option("--ttl", life_, "How long it is good, or 'never' for one that does not expire")
      ->type_name("TIME")
      ->check(validator(check_life))
      ->capture_default_str();
  list_ = add(token, "ls", "List the tokens: whose they are, what they may, until when, and when last used");
  revoke_ = add(token, "revoke", "End a token at once, and all that is under way with it");
  revoke_->add_option("TOKEN", token_, "Its id or name")->type_name("")->required();
}

void AccessDefinitions::add_audit_commands(CLI::App& audit) {
  audit_list_ = add(audit, "ls",
                    "List the newest changes, oldest first: when, who, from where, what, and how it ended");
  audit_list_->add_option("--limit", limit_, "How many, at most 1000")
      ->type_name("N")
      ->check(CLI::Range(1, kMostEntries).description(""))
      ->capture_default_str();
  audit_list_->add_option("--since", since_, "Only those of so long ago at most, such as '2d'")
      ->type_name("TIME")
      ->check(validator(check_span));
  audit_list_->add_option("--who", who_, "Only those of this token's name; 'hub': the hub's own")
      ->type_name("NAME");
  audit_verify_ =
      add(audit, "verify",
          "Check that no row of the audit log was edited, taken out, put in or moved, and print its head");
  audit_verify_
      ->add_option(
          "--head", head_,
          "A head that was noted before: check also that it is still in the log, so that nothing was "
          "cut off behind it")
      ->type_name("HASH");
}

std::optional<AccessCommand> AccessDefinitions::command() const {
  if (create_->parsed()) return TokenCreateCommand{token_, role_, selector_, stacks_, parse_span(life_)};
  if (list_->parsed()) return TokenListCommand{};
  if (revoke_->parsed()) return TokenRevokeCommand{token_};
  if (audit_list_->parsed()) return AuditListCommand{limit_, parse_span(since_), who_};
  if (audit_verify_->parsed()) return AuditVerifyCommand{head_};
  return std::nullopt;
}

}  // namespace hivemind::hub::cli
