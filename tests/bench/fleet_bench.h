#pragma once

#include "tests/bench/results.h"

namespace hivemind::bench {

// From a commit to the container that it asks for, against the engine calls alone.
void measure_commits(Results& results, int commits);

// A stack of ten services: first apply, nothing changed, one changed, gone; against raw calls and Compose.
void measure_ten_services(Results& results, int rounds);

}  // namespace hivemind::bench
