#pragma once

#include "tests/bench/results.h"

namespace hivemind::bench {

// A new manifest that asks for what runs already: from its arrival at the node to the agent's last look at
// the engine. Throws when the agent wrote anything to the engine.
void measure_unchanged_apply(Results& results, int rounds);

}  // namespace hivemind::bench
