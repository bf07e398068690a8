#pragma once

#include "tests/bench/results.h"

namespace hivemind::bench {

// A release whose only service ends at once: from the end of its container to the start of the one before,
// and how long the service was away in all; against 'docker compose up' of the old file by somebody who
// notices at once.
void measure_rollback(Results& results, int rounds);

}  // namespace hivemind::bench
