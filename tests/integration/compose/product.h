#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "tests/integration/compose/made.h"

namespace hivemind::tests {

struct MadeByProduct {
  Made made;
  std::map<std::string, std::string> network_bodies;  // by name
};

// The directory's compose.yml, the directory above being the repository, through the hub's compiler, the
// agent's planner and its steps, but for those that start a container; inspected, and removed again.
MadeByProduct made_by_product(const EngineClient& engine, const std::filesystem::path& directory,
                              const std::string& project);

}  // namespace hivemind::tests
