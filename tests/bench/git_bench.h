#pragma once

#include "tests/bench/results.h"

namespace hivemind::bench {

// A poll without change and what a commit changed, in a repository of ten thousand files, with the hub's own
// mirror.
void measure_git(Results& results, int rounds);

}  // namespace hivemind::bench
