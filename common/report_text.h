#pragma once

#include <string>

#include "hivemind/v1/report.pb.h"

// How reports are written for people and programs: the same words in the agent's status, the REST API, and
// the command line.
namespace hivemind {

// "none", "pulling", "pull_failed" …; "unknown" for one of a later version.
std::string reason_name(v1::Reason reason);

// "unknown", "pending", "applying", "running", "completed", "failed", "rolled_back"
std::string state_name(v1::State state);

// The stack is not as desired, and does not get there by itself: its release failed, or was rolled back.
bool has_failed(const v1::StackReport& stack);

// What became of a release that failed, without its stack: "rolled back because service 'app' was unhealthy:
// connection refused". One line.
std::string failure_text(const v1::FailedRelease& failed);

}  // namespace hivemind
