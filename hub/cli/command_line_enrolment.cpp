#include "hub/cli/command_line_enrolment.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "common/ids.h"
#include "hub/cli/text.h"

namespace hivemind::hub::cli {
namespace {

constexpr int kMostDays = 366;
constexpr std::chrono::hours kMostTtl{24 * kMostDays};
constexpr const char* kFooter = "The global flags --hub, --token-file, --ca and --output work here, too.";

std::string check_node(const std::string& text) {
  return is_node_id(text)
             ? ""
             : fmt::format("'{}' is no node id (1 to 63 of a-z, 0-9 and '-', as in 'pi-kitchen')", text);
}

std::string check_label(const std::string& text) {
  const std::size_t equals = text.find('=');
  const bool is_good = equals != std::string::npos && is_label_key(text.substr(0, equals));
  return is_good ? "" : fmt::format("'{}' is no label (key=value, as in 'site=berlin')", text);
}

// What takes a label away ends with '-', as kubectl has it.
std::string check_change(const std::string& text) {
  if (text.find('=') != std::string::npos) return check_label(text);
  const bool is_good =
      text.size() > 1 && text.ends_with('-') && is_label_key(text.substr(0, text.size() - 1));
  return is_good
             ? ""
             : fmt::format("'{}' is neither a label to set (key=value) nor one to take away (key-)", text);
}

// The hub's limit.
std::string check_ttl(const std::string& text) {
  const auto ttl = parse_span(text);
  return ttl && *ttl <= kMostTtl
             ? ""
             : fmt::format("'{}' is no time up to {} days (such as '90s', '1h' or '7d')", text, kMostDays);
}

// It stands in shell scripts and YAML. What it is installed from runs as root, so nobody on the way may
// change it.
std::string check_package(const std::string& text) {
  const bool is_url = text.starts_with("https://");
  const bool is_plain = text.find_first_not_of(
                            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/?&=%+@{}") ==
                        std::string::npos;
  return is_url && is_plain ? "" : fmt::format("'{}' is no URL to download from (https://…)", text);
}

CLI::Validator validator(std::string (*check)(const std::string&)) {
  return CLI::Validator([check](std::string& text) { return check(text); }, "");
}

CLI::App* add(CLI::App& parent, const std::string& name, const std::string& description) {
  return parent.add_subcommand(name, description)->footer(kFooter);
}

std::map<std::string, std::string> map_of(const std::vector<std::string>& texts) {
  std::map<std::string, std::string> labels;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    if (equals != std::string::npos) labels.insert_or_assign(text.substr(0, equals), text.substr(equals + 1));
  }
  return labels;
}

}  // namespace

void require_distinct(const std::vector<std::string>& labels) {
  std::map<std::string, std::string> seen;
  for (const std::string& label : labels) {
    const std::size_t equals = label.find('=');
    const std::string key =
        equals == std::string::npos ? label.substr(0, label.size() - 1) : label.substr(0, equals);
    const auto [before, is_new] = seen.emplace(key, label);
    if (!is_new) {
      throw CLI::ValidationError(
          fmt::format("label '{}' is given twice, as '{}' and as '{}'", key, before->second, label));
    }
  }
}

void EnrolmentDefinitions::add_to_node(CLI::App& node) {
  add_token_commands(node);
  add_waiting_commands(node);
  add_member_commands(node);
  add_bootstrap(node);
}

void EnrolmentDefinitions::add_to_trust(CLI::App& trust) {
  ca_ = add(trust, "ca", "Show the hub's certificate authority: the fingerprint that enrolment tokens carry");
  ca_->add_flag("--pem", pem_, "Print its certificate instead");
}

void EnrolmentDefinitions::take_labels(CLI::App& command) {
  command.add_option("--label", labels_, "A label that the node gets; may be given again")
      ->type_name("KEY=VALUE")
      ->check(validator(check_label))
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command.callback([this] { require_distinct(labels_); });
}

void EnrolmentDefinitions::take_wish(CLI::App& command) {
  command.add_option("--ttl", ttl_, "How long the token is good")
      ->type_name("TIME")
      ->check(validator(check_ttl))
      ->capture_default_str();
  take_labels(command);
  command.add_flag("--approve", approval_, "Let nobody in with it but whom 'hivemind node approve' names");
}

void EnrolmentDefinitions::add_token_commands(CLI::App& node) {
  CLI::App* token = add(node, "token", "Let machines become nodes")->require_subcommand(1);
  token_create_ =
      add(*token, "create",
          "Make a token, and print the line to run on the machine that is to become a node; the hub keeps "
          "no copy of it");
  take_wish(*token_create_);
  token_create_->add_option("--uses", uses_, "How many machines may come with it")
      ->type_name("N")
      ->check(CLI::Range(1, 100'000).description(""))
      ->capture_default_str();
  token_create_
      ->add_option("--id", id_,
                   "The only node id that it is good for; otherwise the machine says, or its name does")
      ->type_name("ID")
      ->check(validator(check_node));
  token_list_ = add(*token, "ls", "List the tokens: what they are good for, and whether they still are");
  token_revoke_ =
      add(*token, "revoke", "End a token, and turn away who waits with it; nodes that came with it stay");
  token_revoke_->add_option("TOKEN", token_, "The token's id")->type_name("")->required();
}

void EnrolmentDefinitions::add_waiting_commands(CLI::App& node) {
  waiting_ = add(node, "waiting", "List the machines that wait to be let in");
  approve_ = add(node, "approve", "Let a machine in that waits");
  approve_->add_option("WHICH", which_, "Its request, or the node id that it would get")
      ->type_name("REQUEST|ID")
      ->required();
  approve_->add_option("--id", id_, "Give it this node id instead")
      ->type_name("ID")
      ->check(validator(check_node));
  reject_ = add(node, "reject", "Turn a machine away that waits");
  reject_->add_option("WHICH", which_, "Its request, or the node id that it would get")
      ->type_name("REQUEST|ID")
      ->required();
}

void EnrolmentDefinitions::add_member_commands(CLI::App& node) {
  const auto take_node = [this](CLI::App& command) {
    command.add_option("NODE", node_, "The node's id")
        ->type_name("ID")
        ->required()
        ->check(validator(check_node));
  };
  revoke_ = add(
      node, "revoke",
      "End a node at once: its certificates, its connection, its manifest; what runs on it goes on running");
  take_node(*revoke_);
  replace_ = add(node, "replace",
                 "Make a token with which new hardware takes over a node's id, labels and history, and print "
                 "the line to "
                 "run on it; the old certificates end when it comes");
  take_node(*replace_);
  take_wish(*replace_);
  label_ = add(node, "label", "Set and take away labels of an enrolled node");
  take_node(*label_);
  label_->add_option("LABELS", changes_, "key=value sets, key- takes away")
      ->type_name("KEY=VALUE|KEY-")
      ->required()
      ->check(validator(check_change));
  label_->callback([this] { require_distinct(changes_); });
}

void EnrolmentDefinitions::add_bootstrap(CLI::App& node) {
  bootstrap_ = add(
      node, "bootstrap",
      "Print what makes a machine install the agent and enrol when it boots first, with a new token in it");
  CLI::Option* cloud = bootstrap_->add_flag("--cloud-init", cloud_init_,
                                            "As user-data for a cloud VM, or any image with cloud-init");
  bootstrap_->add_flag("--pi", pi_, "As firstrun.sh for the boot partition of a Raspberry Pi OS image")
      ->excludes(cloud);
  bootstrap_
      ->add_option("--package", package_,
                   "Where the machine downloads the agent: a Debian package (….deb) or the program; {arch} "
                   "stands for its "
                   "architecture (amd64, arm64, armhf)")
      ->type_name("URL")
      ->required()
      ->check(validator(check_package));
  take_wish(*bootstrap_);
  bootstrap_->add_option("--uses", uses_, "How many machines may come with it")
      ->type_name("N")
      ->check(CLI::Range(1, 100'000).description(""))
      ->capture_default_str();
  bootstrap_->add_option("--id", id_, "The machine's node id; otherwise its name is")
      ->type_name("ID")
      ->check(validator(check_node));
}

EnrolmentWish EnrolmentDefinitions::wish() const {
  return {parse_span(ttl_).value(), uses_, map_of(labels_), id_, approval_};
}

NodeLabelCommand EnrolmentDefinitions::label_command() const {
  NodeLabelCommand command{node_, map_of(changes_), {}};
  for (const std::string& change : changes_) {
    if (change.find('=') == std::string::npos) command.remove.push_back(change.substr(0, change.size() - 1));
  }
  return command;
}

std::optional<EnrolmentCommand> EnrolmentDefinitions::command() const {
  using Form = NodeBootstrapCommand::Form;
  if (token_create_->parsed()) return NodeTokenCreateCommand{wish()};
  if (token_list_->parsed()) return NodeTokenListCommand{};
  if (token_revoke_->parsed()) return NodeTokenRevokeCommand{token_};
  if (waiting_->parsed()) return NodeWaitingCommand{};
  if (approve_->parsed()) return NodeApproveCommand{which_, id_};
  if (reject_->parsed()) return NodeRejectCommand{which_};
  if (revoke_->parsed()) return NodeRevokeCommand{node_};
  if (replace_->parsed()) return NodeReplaceCommand{node_, wish()};
  if (label_->parsed()) return label_command();
  if (bootstrap_->parsed()) return NodeBootstrapCommand{pi_ ? Form::kPi : Form::kCloudInit, wish(), package_};
  if (ca_->parsed()) return TrustCaCommand{pem_};
  return std::nullopt;
}

}  // namespace hivemind::hub::cli
