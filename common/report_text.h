#pragma once

#include <string>

#include "hivemind/v1/report.pb.h"

// How reports are written for people and programs: the same words in the agent's status, the REST API, and
// the command line.
namespace hivemind {

// "none", "pulling", "pull_failed" …; "unknown" for one of a later version.
std::string reason_name(v1::Reason reason);

// "unknown", "pending", "applying", "running", "completed", "failed"
std::string state_name(v1::State state);

}  // namespace hivemind
