#include "hub/cli/run.h"

#include <ostream>

#include "common/error.h"
#include "hub/cli/commands.h"
#include "hub/cli/views.h"

namespace hivemind::hub::cli {
namespace {

// One alternative of Command each. Those that need a hub connect to it first.
class Runner {
 public:
  Runner(const Invocation& invocation, const Console& console) : invocation_(invocation), console_(console) {}

  ExitCode operator()(const StatusCommand&) const {
    HubClient hub = connect();
    const Json status = hub.get("/api/v1/status");
    print(invocation_.output == Output::kJson
              ? pretty(status)
              : status_view(status, hub.get("/api/v1/nodes"), hub.url(), console_.out_screen()));
    return is_well(status) ? ExitCode::kOk : ExitCode::kBad;
  }
  ExitCode operator()(const NodeListCommand&) const { return show("/api/v1/nodes", node_list_view); }
  ExitCode operator()(const NodeShowCommand& command) const {
    return show("/api/v1/nodes/" + command.node, node_view);
  }
  ExitCode operator()(const StackListCommand&) const { return show("/api/v1/stacks", stack_list_view); }
  ExitCode operator()(const StackShowCommand& command) const {
    return show("/api/v1/stacks/" + command.stack, stack_view);
  }
  ExitCode operator()(const SyncCommand& command) const { return ask(command, sync); }
  ExitCode operator()(const WhyCommand& command) const { return ask(command, cli::why); }
  ExitCode operator()(const RetryCommand& command) const { return ask(command, retry); }
  ExitCode operator()(const ApplyCommand& command) const { return ask(command, cli::apply); }
  ExitCode operator()(const PurgeCommand& command) const { return ask(command, purge); }
  ExitCode operator()(const AdoptCommand& command) const { return ask(command, adopt); }
  ExitCode operator()(const TrustShowCommand&) const { return show("/api/v1/trust", trust_view); }
  ExitCode operator()(const TrustRotateCommand& command) const { return ask(command, trust_rotate); }
  ExitCode operator()(const TrustResumeCommand& command) const { return ask(command, trust_resume); }
  ExitCode operator()(const EventsCommand& command) const { return ask(command, events); }
  ExitCode operator()(const EnrolmentCommand& command) const { return std::visit(*this, command); }
  ExitCode operator()(const NodeTokenCreateCommand& command) const {
    return ask(command, create_enrolment_token);
  }
  ExitCode operator()(const NodeTokenListCommand&) const {
    return show("/api/v1/enrolment/tokens", enrolment_tokens_view);
  }
  ExitCode operator()(const NodeTokenRevokeCommand& command) const {
    return ask(command, revoke_enrolment_token);
  }
  ExitCode operator()(const NodeWaitingCommand&) const {
    return show("/api/v1/enrolment/waiting", waiting_list_view);
  }
  ExitCode operator()(const NodeApproveCommand& command) const { return ask(command, approve); }
  ExitCode operator()(const NodeRejectCommand& command) const { return ask(command, reject); }
  ExitCode operator()(const NodeRevokeCommand& command) const { return ask(command, revoke_node); }
  ExitCode operator()(const NodeReplaceCommand& command) const { return ask(command, replace); }
  ExitCode operator()(const NodeLabelCommand& command) const { return ask(command, label); }
  ExitCode operator()(const NodeBootstrapCommand& command) const { return ask(command, bootstrap); }
  ExitCode operator()(const TrustCaCommand& command) const { return ask(command, authority); }
  ExitCode operator()(const BrokerConfigCommand& command) const { return ask(command, broker_config); }
  ExitCode operator()(const AccessCommand& command) const { return std::visit(*this, command); }
  ExitCode operator()(const TokenCreateCommand& command) const { return ask(command, create_token); }
  ExitCode operator()(const TokenListCommand&) const {
    return show("/api/v1/access/tokens", token_list_view);
  }
  ExitCode operator()(const TokenRevokeCommand& command) const { return ask(command, revoke_token); }
  ExitCode operator()(const AuditListCommand& command) const { return ask(command, audit_list); }
  ExitCode operator()(const AuditVerifyCommand& command) const { return ask(command, audit_verify); }
  ExitCode operator()(const LintCommand& command) const { return lint(command, console_); }
  ExitCode operator()(const ConfigCommand& command) const {
    return config(command, console_.environment, console_);
  }
  ExitCode operator()(const RenderCommand& command) const { return render(command, console_); }
  ExitCode operator()(const SecretCommand& command) const {
    return needs_hub(command) ? ask(command, secret) : seal_offline(command, console_);
  }
  ExitCode operator()(const ReferenceCommand&) const { return print(reference_markdown()); }

 private:
  HubClient connect() const { return {invocation_.hub_url, invocation_.token_file, invocation_.ca_file}; }

  template <typename Asked>
  ExitCode ask(const Asked& command, ExitCode (*of)(const Asked&, Output, HubClient&, const Console&)) const {
    HubClient hub = connect();
    return of(command, invocation_.output, hub, console_);
  }

  ExitCode show(const std::string& target, std::string (*view)(const Json&, const Screen&)) const {
    HubClient hub = connect();
    const Json answer = hub.get(target);
    return print(invocation_.output == Output::kJson ? pretty(answer) : view(answer, console_.out_screen()));
  }

  ExitCode print(const std::string& text) const {
    console_.out << text;
    return ExitCode::kOk;
  }

  const Invocation& invocation_;
  const Console& console_;
};

}  // namespace

ExitCode run(const Invocation& invocation, const Console& console) {
  try {
    const ExitCode code = std::visit(Runner(invocation, console), invocation.command);
    console.out.flush();
    if (!console.out) throw Error(ErrorCode::kExhausted, "standard output cannot be written");
    return code;
  } catch (const Error& error) {
    console.err << failure_view(error.what(), console.err_screen());
    return exit_code_of(error.code());
  }
}

ExitCode run(std::vector<std::string> args, const Console& console) {
  const auto parsed = parse_command_line(std::move(args));
  if (const auto* answered = std::get_if<Answered>(&parsed)) {
    (answered->code == ExitCode::kOk ? console.out : console.err) << answered->text;
    return answered->code;
  }
  return run(std::get<Invocation>(parsed), console);
}

}  // namespace hivemind::hub::cli
