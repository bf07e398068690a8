#include <memory>
#include <sstream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "common/defaults.h"
#include "common/error.h"
#include "common/ids.h"
#include "common/version.h"
#include "hub/cli/command_line_access.h"
#include "hub/cli/command_line_enrolment.h"
#include "hub/cli/command_line_reference.h"
#include "hub/cli/command_line_secrets.h"
#include "hub/cli/invocation.h"
#include "hub/cli/text.h"

namespace hivemind::hub::cli {
namespace {

constexpr int kMostEvents = 1000;

// The definitions, and the variables that CLI11 writes to while it parses.
class CommandLine {
 public:
  CommandLine();
  CLI::App& app() { return app_; }
  Invocation invocation() const;

 private:
  void add_globals();
  void add_fleet_commands();
  void add_sync();
  void add_node_commands();
  void add_adopt();
  void add_trust();
  void add_events();
  void add_repository_commands();
  void add_config();
  ConfigCommand config_command() const;
  LintFormat lint_format() const;
  CLI::App* add(CLI::App& parent, const std::string& name, const std::string& description);
  void take_node(CLI::App& command);
  CLI::Option* take_stack(CLI::App& command, const std::string& description);
  std::vector<std::pair<std::string, std::string>> labels() const;

  CLI::App app_{"Looks at a fleet and its Git repository through the hub's REST API.", "hivemind"};
  CLI::App* status_ = nullptr;
  CLI::App* node_ls_ = nullptr;
  CLI::App* node_show_ = nullptr;
  CLI::App* stack_ls_ = nullptr;
  CLI::App* stack_show_ = nullptr;
  CLI::App* sync_ = nullptr;
  CLI::App* why_ = nullptr;
  CLI::App* retry_ = nullptr;
  CLI::App* apply_ = nullptr;
  CLI::App* purge_ = nullptr;
  CLI::App* adopt_ = nullptr;
  CLI::App* trust_show_ = nullptr;
  CLI::App* trust_rotate_ = nullptr;
  CLI::App* trust_resume_ = nullptr;
  CLI::App* events_ = nullptr;
  CLI::App* lint_ = nullptr;
  CLI::App* render_ = nullptr;
  CLI::App* config_ = nullptr;
  EnrolmentDefinitions enrolment_;
  SecretDefinitions secrets_;
  CLI::App* broker_config_ = nullptr;
  BrokerConfigCommand broker_;
  AccessDefinitions access_;

  std::string hub_url_ = defaults::kHubUrl;
  std::string token_file_ = std::string(defaults::kHubDirectory) + "/" + defaults::kTokenFile;
  std::string ca_file_;
  std::string output_ = "table";
  std::string node_;
  std::string stack_;
  bool wait_ = false;
  std::string timeout_ = "5m";
  bool confirm_empty_ = false;
  bool refresh_pins_ = false;
  bool now_ = false;
  std::string confirm_;
  bool follow_ = false;
  int limit_ = 50;
  std::string only_node_;
  std::string only_stack_;
  std::string directory_;
  std::string path_;
  std::string render_node_;
  std::vector<std::string> labels_;
  std::string lint_format_;
  std::vector<std::string> files_, env_files_, profiles_;
  std::string project_name_, project_directory_;
  std::string model_format_ = "yaml";
  bool no_interpolate_ = false;
  bool no_consistency_ = false;
};

std::string exit_codes_footer() {
  std::string text = "Exit codes:\n";
  for (const ExitCode code : kExitCodes)
    text += fmt::format("  {}  {}\n", static_cast<int>(code), describe(code));
  return text;
}

std::string check_node_id(const std::string& text) {
  return is_node_id(text)
             ? ""
             : fmt::format("'{}' is no node id (1 to 63 of a-z, 0-9 and '-', as in 'pi-kitchen')", text);
}

std::string check_stack_name(const std::string& text) {
  return is_stack_name(text)
             ? ""
             : fmt::format("'{}' is no stack name (a-z, 0-9, '-' and '_', as in 'web')", text);
}

std::string check_duration(const std::string& text) {
  return parse_duration(text)
             ? ""
             : fmt::format("'{}' is no time up to 31 days (such as '90s', '5m' or '1h30m')", text);
}

std::string check_label(const std::string& text) {
  const std::size_t equals = text.find('=');
  const bool good = equals != std::string::npos && is_label_key(text.substr(0, equals));
  return good ? "" : fmt::format("'{}' is no label (key=value, as in 'site=berlin')", text);
}

std::string check_output(const std::string& text) {
  return text == "table" || text == "json" ? ""
                                           : fmt::format("'{}' is no output format (table or json)", text);
}

std::string check_lint_format(const std::string& text) {
  return text == "text" || text == "json" || text == "sarif"
             ? ""
             : fmt::format("'{}' is no format (text, json or sarif)", text);
}

std::string check_model_format(const std::string& text) {
  return text == "yaml" || text == "json" ? "" : fmt::format("'{}' is no format (yaml or json)", text);
}

std::string check_limit(const std::string& text) {
  const bool number =
      !text.empty() && text.size() < 5 && text.find_first_not_of("0123456789") == std::string::npos;
  const bool good = number && std::stoi(text) >= 1 && std::stoi(text) <= kMostEvents;
  return good ? "" : fmt::format("'{}' is no number of events (1 to {})", text, kMostEvents);
}

CLI::Validator validator(std::string (*check)(const std::string&)) {
  return CLI::Validator([check](std::string& text) { return check(text); }, "");
}

CommandLine::CommandLine() {
  app_.fallthrough();  // global flags may stand behind the command as well
  app_.require_subcommand(1);
  app_.set_version_flag("--version", "hivemind " + version(),
                        "Print the version and the commit it was built from");
  app_.set_help_flag("-h,--help", "Print this help; behind a command, the help of that command");
  app_.footer(exit_codes_footer());
  add_globals();
  add_fleet_commands();
  add_sync();
  add_node_commands();
  add_adopt();
  add_trust();
  add_events();
  add_repository_commands();
  add_config();
  secrets_.add_to(app_);
  access_.add_to(app_);
  app_.add_subcommand("help-all", "Print the reference of all commands as Markdown")->group("");
}

void CommandLine::add_globals() {
  app_.add_option("--hub", hub_url_, "The hub's address")
      ->type_name("URL")
      ->envname("HIVEMIND_HUB")
      ->capture_default_str();
  app_.add_option("--token-file", token_file_, "File that holds the API token")
      ->type_name("FILE")
      ->envname("HIVEMIND_TOKEN_FILE")
      ->capture_default_str();
  app_.add_option(
          "--ca", ca_file_,
          "File with the certificates that may vouch for a hub at https://, and nobody else; otherwise "
          "'ca.pem' beside the token's file, or else what the system trusts")
      ->type_name("FILE")
      ->envname("HIVEMIND_CA");
  app_.add_option("--output", output_, "Tables for people, or JSON for programs")
      ->type_name("table|json")
      ->check(validator(check_output))
      ->capture_default_str();
}

CLI::App* CommandLine::add(CLI::App& parent, const std::string& name, const std::string& description) {
  return parent.add_subcommand(name, description)
      ->footer("The global flags --hub, --token-file, --ca and --output work here, too.");
}

void CommandLine::take_node(CLI::App& command) {
  command.add_option("NODE", node_, "The node's id")
      ->type_name("ID")
      ->required()
      ->check(validator(check_node_id));
}

CLI::Option* CommandLine::take_stack(CLI::App& command, const std::string& description) {
  return command.add_option("STACK", stack_, description)
      ->type_name("NAME")
      ->check(validator(check_stack_name));
}

void CommandLine::add_fleet_commands() {
  status_ =
      add(app_, "status", "Show hub, Git, broker, counts, diagnostics, and nodes that have not converged");
  CLI::App* node = add(app_, "node", "Look at the fleet's nodes, let machines in, and put them out")
                       ->require_subcommand(1);
  node_ls_ = add(*node, "ls", "List the nodes");
  node_show_ = add(*node, "show", "Show one node: revisions, facts, stacks and services");
  take_node(*node_show_);
  enrolment_.add_to_node(*node);
  CLI::App* broker = add(app_, "broker", "Set up a broker of your own")->require_subcommand(1);
  broker_config_ = add(*broker, "config",
                       "Print the files that make a Mosquitto of yours this fleet's broker: configuration, "
                       "access control, CA, revoked certificates, and a server certificate with its key");
  broker_config_->add_option("--listen", broker_.listen, "Where it is to listen [0.0.0.0:8883]")
      ->type_name("HOST:PORT");
  broker_config_
      ->add_option("--directory", broker_.directory, "Write the files there instead, for their owner alone")
      ->type_name("DIR");
  CLI::App* stack = add(app_, "stack", "Look at the stacks that stacks.yml lists")->require_subcommand(1);
  stack_ls_ = add(*stack, "ls", "List the stacks");
  stack_show_ = add(*stack, "show", "Show one stack: where it runs, how it is, and its diagnostics");
  take_stack(*stack_show_, "The stack's name")->required();
  purge_ = add(*stack, "purge",
               "Show what a stack that a node does not run any more has left there: named volumes, files and "
               "data; remove it for good with --yes");
  take_node(*purge_);
  take_stack(*purge_, "The stack's name")->required();
  purge_->add_option("--yes", confirm_, "Remove it as it was shown; the code stands below what was shown")
      ->type_name("CODE");
}

void CommandLine::add_node_commands() {
  why_ = add(app_, "why", "Say why a node is not on the newest revision, and what to do about it");
  take_node(*why_);
  take_stack(*why_, "Only about this stack");
  retry_ =
      add(app_, "retry",
          "Have a node try again, at once, what failed there: releases that were rolled back, pulls, and "
          "steps that wait for their next attempt");
  take_node(*retry_);
  take_stack(*retry_, "Only this stack");
  apply_ = add(app_, "apply", "Have a node apply now what waits for its window");
  take_node(*apply_);
  take_stack(*apply_, "Only this stack");
  apply_->add_flag("--now", now_, "Do not wait for the window, this once")->required();
}

void CommandLine::add_sync() {
  sync_ = add(app_, "sync", "Fetch the Git repository now, compile it and publish what changed");
  sync_->add_flag("--wait", wait_, "Return when every online node has converged; fail when one node fails");
  sync_->add_option("--timeout", timeout_, "How long --wait waits")
      ->type_name("TIME")
      ->check(validator(check_duration))
      ->capture_default_str();
  sync_->add_flag("--confirm-empty", confirm_empty_,
                  "Go on with a commit that leaves every node without a stack");
  sync_->add_flag("--refresh-pins", refresh_pins_,
                  "Ask the registries again for the digests of all pinned images");
}

void CommandLine::add_adopt() {
  adopt_ = add(app_, "adopt",
               "Show how a stack's release differs from what docker compose runs under its name on a node; "
               "take it over with --yes");
  take_node(*adopt_);
  take_stack(*adopt_, "The stack's name, which is the project's")->required();
  adopt_->add_option("--yes", confirm_, "Take it over as it was shown; the code stands below what was shown")
      ->type_name("CODE");
}

void CommandLine::add_trust() {
  CLI::App* trust = add(app_, "trust", "The key that nodes obey, and the authority that vouches for them")
                        ->require_subcommand(1);
  trust_show_ = add(*trust, "show", "Show the signing key, those before it, and which nodes follow");
  trust_rotate_ =
      add(*trust, "rotate",
          "Make a new signing key, signed by the one in force, which is forgotten; every manifest is "
          "signed anew, and nodes follow by themselves");
  trust_resume_ =
      add(*trust, "resume",
          "Let a hub go on that was restored from a backup: fetch, compile, and publish above what the "
          "nodes have");
  enrolment_.add_to_trust(*trust);
}

void CommandLine::add_events() {
  events_ = add(app_, "events", "Print what happened on the nodes, oldest first");
  events_->add_flag("--follow", follow_, "Go on printing new events until interrupted");
  events_->add_option("--limit", limit_, "How many of the newest events to print first, at most 1000")
      ->type_name("N")
      ->check(validator(check_limit))
      ->capture_default_str();
  events_->add_option("--node", only_node_, "Only events of this node")
      ->type_name("ID")
      ->check(validator(check_node_id));
  events_->add_option("--stack", only_stack_, "Only events of this stack")
      ->type_name("NAME")
      ->check(validator(check_stack_name));
}

void CommandLine::add_repository_commands() {
  lint_ = add(app_, "lint", "Check a checked-out repository without a hub; print what is wrong");
  render_ =
      add(app_, "render", "Print, as JSON, the releases that a node would get from a checked-out repository");
  for (CLI::App* command : {lint_, render_}) {
    command->add_option("DIR", directory_, "The repository's root directory")->type_name("PATH")->required();
    command->add_option("--path", path_, "Directory below DIR that holds stacks.yml (the hub's git.path)")
        ->type_name("SUBDIR");
  }
  lint_
      ->add_option("--format", lint_format_,
                   "How to print what is wrong (default text, with --output json: json)")
      ->type_name("text|json|sarif")
      ->check(validator(check_lint_format));
  render_->add_option("--node", render_node_, "The node's id")
      ->type_name("ID")
      ->required()
      ->check(validator(check_node_id));
  render_->add_option("--label", labels_, "A label of the node; may be given again")
      ->type_name("KEY=VALUE")
      ->check(validator(check_label))
      ->expected(1)
      ->allow_extra_args(false)  // otherwise it takes DIR, too
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  render_->callback([this] { require_distinct(labels_); });
}

void CommandLine::add_config() {
  config_ =
      add(app_, "config", "Print the normalised model of Compose files, as 'docker compose config' does");
  const auto add_list = [&](const std::string& name, std::vector<std::string>& into, const std::string& about,
                            const std::string& type) {
    return config_->add_option(name, into, about)
        ->type_name(type)
        ->expected(1)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  };
  add_list("-f,--file", files_, "A Compose file; given again, one that is merged over those before it",
           "FILE")
      ->required();
  add_list("--env-file", env_files_,
           "Variables, instead of the file '.env' of the project's directory; may be given again", "FILE");
  config_->add_option("-p,--project-name", project_name_, "The project's name")->type_name("NAME");
  add_list("--profile", profiles_, "A profile to activate; may be given again", "NAME");
  config_
      ->add_option("--project-directory", project_directory_,
                   "What relative paths start from; otherwise the directory of the first file")
      ->type_name("PATH");
  config_->add_option("--format", model_format_, "How to print the model")
      ->type_name("yaml|json")
      ->check(validator(check_model_format))
      ->capture_default_str();
  config_->add_flag("--no-interpolate", no_interpolate_, "Print the merged files with their variables");
  config_->add_flag("--no-consistency", no_consistency_,
                    "Print a model whose parts contradict each other, too");
}

ConfigCommand CommandLine::config_command() const {
  return {{files_.begin(), files_.end()},
          {env_files_.begin(), env_files_.end()},
          project_name_,
          profiles_,
          project_directory_,
          model_format_ == "json" ? ModelFormat::kJson : ModelFormat::kYaml,
          no_interpolate_ ? compose::Interpolation::kOff : compose::Interpolation::kOn,
          no_consistency_ ? compose::Consistency::kIgnored : compose::Consistency::kChecked};
}

LintFormat CommandLine::lint_format() const {
  const std::string& format = lint_format_.empty() && output_ == "json" ? output_ : lint_format_;
  if (format == "sarif") return LintFormat::kSarif;
  return format == "json" ? LintFormat::kJson : LintFormat::kText;
}

std::vector<std::pair<std::string, std::string>> CommandLine::labels() const {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& text : labels_) {
    const std::size_t equals = text.find('=');
    pairs.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return pairs;
}

Invocation CommandLine::invocation() const {
  Invocation result{ReferenceCommand{}, output_ == "json" ? Output::kJson : Output::kTable, hub_url_,
                    token_file_, ca_file_};
  if (status_->parsed()) result.command = StatusCommand{};
  if (node_ls_->parsed()) result.command = NodeListCommand{};
  if (node_show_->parsed()) result.command = NodeShowCommand{node_};
  if (stack_ls_->parsed()) result.command = StackListCommand{};
  if (stack_show_->parsed()) result.command = StackShowCommand{stack_};
  if (sync_->parsed()) {
    result.command = SyncCommand{wait_ ? Waiting::kYes : Waiting::kNo, parse_duration(timeout_).value(),
                                 confirm_empty_ ? EmptyFleet::kConfirmed : EmptyFleet::kHeld,
                                 refresh_pins_ ? PinnedImages::kRefreshed : PinnedImages::kKept};
  }
  if (why_->parsed()) result.command = WhyCommand{node_, stack_};
  if (retry_->parsed()) result.command = RetryCommand{node_, stack_};
  if (apply_->parsed()) result.command = ApplyCommand{node_, stack_};
  if (purge_->parsed()) result.command = PurgeCommand{node_, stack_, confirm_};
  if (adopt_->parsed()) result.command = AdoptCommand{node_, stack_, confirm_};
  if (trust_show_->parsed()) result.command = TrustShowCommand{};
  if (trust_rotate_->parsed()) result.command = TrustRotateCommand{};
  if (trust_resume_->parsed()) result.command = TrustResumeCommand{};
  if (events_->parsed()) {
    result.command = EventsCommand{follow_ ? Follow::kYes : Follow::kNo, limit_, only_node_, only_stack_};
  }
  if (lint_->parsed()) result.command = LintCommand{directory_, path_, lint_format()};
  if (config_->parsed()) result.command = config_command();
  if (auto command = enrolment_.command()) result.command = std::move(*command);
  if (auto command = secrets_.command()) result.command = std::move(*command);
  if (broker_config_->parsed()) result.command = broker_;
  if (auto command = access_.command()) result.command = std::move(*command);
  if (render_->parsed()) result.command = RenderCommand{directory_, path_, render_node_, labels()};
  return result;
}

}  // namespace

std::variant<Invocation, Answered> parse_command_line(std::vector<std::string> args) {
  CommandLine line;
  std::reverse(args.begin(), args.end());  // CLI11 takes them from the back
  try {
    line.app().parse(std::move(args));
    return line.invocation();
  } catch (const CLI::ParseError& error) {
    std::ostringstream out, err;
    const int code = line.app().exit(error, out, err);
    return Answered{code == 0 ? ExitCode::kOk : ExitCode::kUsage, code == 0 ? out.str() : err.str()};
  }
}

std::string reference_markdown() {
  CommandLine line;
  return reference_of(line.app());
}

}  // namespace hivemind::hub::cli
