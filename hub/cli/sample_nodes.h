#pragma once

#include <vector>

#include "hub/desired/fleet.h"

namespace hivemind::hub::cli {

// Nodes to check a repository for, when no hub says which there are: those that stacks.yml names, and one
// ("lint-1", "lint-2" …) for each choice of label values that a stack asks for and none of them has, so that
// every stack is compiled at least once. Pure.
std::vector<NodeIdentity> sample_nodes(const Fleet& fleet);

}  // namespace hivemind::hub::cli
