#pragma once

#include "agent/plan/report.h"

namespace hivemind::agent {

// How far the stack is on its way from its good release to the manifest's, over what its services say. Pure.
void fill_phase(v1::StackReport& report, const Findings& findings, const DesiredStack& stack);

}  // namespace hivemind::agent
