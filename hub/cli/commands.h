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

// With Follow::kYes it returns only by an Error; a hub that goes away is waited for.
ExitCode events(const EventsCommand& command, Output output, HubClient& hub, const Console& console);

// Need no hub.
ExitCode lint(const LintCommand& command, const Console& console);
ExitCode render(const RenderCommand& command, const Console& console);
// process: the variables of the process's environment.
ExitCode config(const ConfigCommand& command, Variables process, const Console& console);

}  // namespace hivemind::hub::cli
