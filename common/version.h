#pragma once

#include <string>

namespace hivemind {

// "0.1.0 (1a2b3c4d5e6f)": the project's version and the commit that it was built from; "-dirty" behind the
// commit when the tree had changes, "unknown" where it was built outside of Git.
std::string version();

}  // namespace hivemind
