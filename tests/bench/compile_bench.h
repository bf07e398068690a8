#pragma once

#include "tests/bench/results.h"

namespace hivemind::bench {

// The hub's compiler on a thousand stacks and on ten thousand nodes with variables of their own.
void measure_compiler(Results& results, int rounds);

}  // namespace hivemind::bench
