#pragma once

#include <string>
#include <vector>

#include "hub/inventory/why.h"

namespace hivemind::hub {

// What keeps a stack from running as desired, by its node's own report: none when nothing does. A service
// that has failed comes before one that is on its way, and that before those that wait for another.
std::vector<Cause> stack_causes(const std::string& node, const v1::StackReport& stack);

// What an operator can do about it; empty: nothing needs to be done.
std::string remedy_of(v1::Reason reason, const std::string& node, const std::string& stack);

}  // namespace hivemind::hub
