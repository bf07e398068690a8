#include "hub/cli/command_line_secrets.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "common/ids.h"

namespace hivemind::hub::cli {
namespace {

constexpr const char* kFooter = "The global flags --hub, --token-file, --ca and --output work here, too.";

std::string check_name(const std::string& text) {
  return is_compose_key(text)
             ? ""
             : fmt::format("'{}' is no name for a secret (up to 63 letters, digits, '.', '-' and '_')", text);
}

std::string check_node(const std::string& text) {
  return is_node_id(text)
             ? ""
             : fmt::format("'{}' is no node id (1 to 63 of a-z, 0-9 and '-', as in 'pi-kitchen')", text);
}

std::string check_stack(const std::string& text) {
  return is_stack_name(text)
             ? ""
             : fmt::format("'{}' is no stack name (a-z, 0-9, '-' and '_', as in 'web')", text);
}

std::string check_selector(const std::string& text) {
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string one = text.substr(at, end - at);
    const std::size_t equals = one.find('=');
    if (equals == std::string::npos || !is_label_key(one.substr(0, equals)))
      return fmt::format("'{}' is no selector (KEY=VALUE[,KEY=VALUE], as in 'site=berlin')", text);
    at = end + 1;
  }
  return "";
}

std::string check_registry(const std::string& text) {
  return is_registry(text) ? ""
                           : fmt::format("'{}' is no registry (HOST or HOST:PORT, as in 'ghcr.io')", text);
}

CLI::Validator validator(std::string (*check)(const std::string&)) {
  return CLI::Validator([check](std::string& text) { return check(text); }, "");
}

CLI::App* add(CLI::App& parent, const std::string& name, const std::string& description) {
  return parent.add_subcommand(name, description)->footer(kFooter);
}

// Help prints an argument's name and its type, so the type of one that is named by it is left out.
void take_name(CLI::App& command, std::string& name) {
  command.add_option("NAME", name, "The secret's name")
      ->type_name("")
      ->required()
      ->check(validator(check_name));
}

void take_file(CLI::App& command, std::string& file) {
  command.add_option("--file", file, "File that holds the value, byte for byte; '-': standard input")
      ->type_name("FILE")
      ->required();
}

void take_registry(CLI::App& command, std::string& registry) {
  command.add_option("HOST", registry, "The registry, such as 'ghcr.io'; Docker Hub is 'docker.io'")
      ->type_name("")
      ->required()
      ->check(validator(check_registry));
}

}  // namespace

void SecretDefinitions::add_to(CLI::App& app) {
  add_secret_commands(
      *add(app, "secret", "Set, list, remove and seal secrets: nobody ever gets to see their values")
           ->require_subcommand(1));
  add_registry_commands(*add(app, "registry", "Manage the logins that the hub and its nodes pull images with")
                             ->require_subcommand(1));
}

void SecretDefinitions::take_scope(CLI::App& command) {
  CLI::Option* node = command.add_option("--node", node_, "For this node only")
                          ->type_name("ID")
                          ->check(validator(check_node));
  CLI::Option* selector = command.add_option("--selector", selector_, "For nodes with these labels")
                              ->type_name("KEY=VALUE[,KEY=VALUE]")
                              ->check(validator(check_selector));
  CLI::Option* stack = command.add_option("--stack", stack_, "For this stack only")
                           ->type_name("NAME")
                           ->check(validator(check_stack));
  node->excludes(selector)->excludes(stack);
  selector->excludes(stack);
}

void SecretDefinitions::add_secret_commands(CLI::App& secret) {
  set_ = add(secret, "set",
             "Set a secret; the services that use it are replaced. Of several under one name the most "
             "specific one counts: node, selector, stack, fleet");
  take_name(*set_, name_);
  take_scope(*set_);
  take_file(*set_, file_);
  list_ =
      add(secret, "ls", "List secrets: names, whom they are for, when they were set, which stacks use them");
  remove_ = add(secret, "rm", "Remove a secret");
  take_name(*remove_, name_);
  take_scope(*remove_);
  remove_->add_flag("--force", force_, "Even while stacks use it");
  key_ = add(secret, "key", "Print the hub's public key, which values in the repository are sealed to");
  seal_ =
      add(secret, "seal", "Print a line for secrets.yml, beside stacks.yml: the value, for the hub alone");
  take_name(*seal_, name_);
  take_file(*seal_, file_);
  seal_->add_option("--key", key_file_, "File with the hub's public key; otherwise the hub is asked for it")
      ->type_name("FILE");
}

void SecretDefinitions::add_registry_commands(CLI::App& registry) {
  login_ = add(registry, "login", "Keep a login: nodes that pull from the registry get it at once");
  take_registry(*login_, registry_);
  login_->add_option("--username", username_, "The user; without one the password is an identity token")
      ->type_name("USER");
  login_->add_option("--password-file", password_file_, "File that holds the password; '-': standard input")
      ->type_name("FILE")
      ->required();
  logins_ = add(registry, "ls", "List the logins: registries and users");
  logout_ = add(registry, "logout", "Forget a login");
  take_registry(*logout_, registry_);
}

std::string SecretDefinitions::scope() const {
  if (!node_.empty()) return "node:" + node_;
  if (!selector_.empty()) return "selector:" + selector_;
  if (!stack_.empty()) return "stack:" + stack_;
  return "fleet";
}

std::optional<SecretCommand> SecretDefinitions::command() const {
  if (set_->parsed()) return SecretSetCommand{name_, scope(), file_};
  if (list_->parsed()) return SecretListCommand{};
  if (remove_->parsed())
    return SecretRemoveCommand{name_, scope(), force_ ? WhileUsed::kForce : WhileUsed::kRefuse};
  if (key_->parsed()) return SecretKeyCommand{};
  if (seal_->parsed()) return SecretSealCommand{name_, file_, key_file_};
  if (login_->parsed()) return RegistryLoginCommand{registry_, username_, password_file_};
  if (logins_->parsed()) return RegistryListCommand{};
  if (logout_->parsed()) return RegistryLogoutCommand{registry_};
  return std::nullopt;
}

}  // namespace hivemind::hub::cli
