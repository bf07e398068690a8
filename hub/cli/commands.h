#pragma once

#include "hub/cli/console.h"
#include "hub/cli/hub_client.h"
#include "hub/cli/invocation.h"
#include "hub/desired/environment.h"

// The commands that do more than ask one question and print the answer.
namespace hivemind::hub::cli {

ExitCode sync(const SyncCommand& command, Output output, HubClient& hub, const Console& console);

ExitCode adopt(const AdoptCommand& command, Output output, HubClient& hub, const Console& console);

// kBad when the node is not on the newest revision.
ExitCode why(const WhyCommand& command, Output output, HubClient& hub, const Console& console);

ExitCode retry(const RetryCommand& command, Output output, HubClient& hub, const Console& console);
ExitCode apply(const ApplyCommand& command, Output output, HubClient& hub, const Console& console);
ExitCode purge(const PurgeCommand& command, Output output, HubClient& hub, const Console& console);

ExitCode trust_rotate(const TrustRotateCommand& command, Output output, HubClient& hub,
                      const Console& console);
// kBad when the newest revision is not applied all the same.
ExitCode trust_resume(const TrustResumeCommand& command, Output output, HubClient& hub,
                      const Console& console);

// With Follow::kYes it returns only by an Error; a hub that goes away is waited for.
ExitCode events(const EventsCommand& command, Output output, HubClient& hub, const Console& console);

// Print the line to run on the machine.
ExitCode create_enrolment_token(const NodeTokenCreateCommand& command, Output output, HubClient& hub,
                                const Console& console);
ExitCode replace(const NodeReplaceCommand& command, Output output, HubClient& hub, const Console& console);
ExitCode revoke_enrolment_token(const NodeTokenRevokeCommand& command, Output output, HubClient& hub,
                                const Console& console);
ExitCode approve(const NodeApproveCommand& command, Output output, HubClient& hub, const Console& console);
ExitCode reject(const NodeRejectCommand& command, Output output, HubClient& hub, const Console& console);
ExitCode revoke_node(const NodeRevokeCommand& command, Output output, HubClient& hub, const Console& console);
ExitCode label(const NodeLabelCommand& command, Output output, HubClient& hub, const Console& console);
ExitCode bootstrap(const NodeBootstrapCommand& command, Output output, HubClient& hub,
                   const Console& console);
ExitCode authority(const TrustCaCommand& command, Output output, HubClient& hub, const Console& console);
ExitCode broker_config(const BrokerConfigCommand& command, Output output, HubClient& hub,
                       const Console& console);

// 'secret …' and 'registry …'. Sealing with the public key at hand needs no hub.
bool needs_hub(const SecretCommand& command);
ExitCode secret(const SecretCommand& command, Output output, HubClient& hub, const Console& console);
ExitCode seal_offline(const SecretCommand& command, const Console& console);

ExitCode create_token(const TokenCreateCommand& command, Output output, HubClient& hub,
                      const Console& console);
ExitCode revoke_token(const TokenRevokeCommand& command, Output output, HubClient& hub,
                      const Console& console);
ExitCode audit_list(const AuditListCommand& command, Output output, HubClient& hub, const Console& console);
// kBad when the log is not whole.
ExitCode audit_verify(const AuditVerifyCommand& command, Output output, HubClient& hub,
                      const Console& console);

// Need no hub.
ExitCode lint(const LintCommand& command, const Console& console);
ExitCode render(const RenderCommand& command, const Console& console);
// process: the variables of the process's environment.
ExitCode config(const ConfigCommand& command, Variables process, const Console& console);

}  // namespace hivemind::hub::cli
