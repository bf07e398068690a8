#pragma once

#include "agent/options.h"

namespace hivemind::agent {

// 'hivemind-agent enroll': makes this machine a node of a hub's fleet. Returns the exit code. Throws
// kConflict while an agent runs with the data directory or when the node is enrolled already, and as enrol().
int enroll(const Options& options);

}  // namespace hivemind::agent
