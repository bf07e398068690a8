#pragma once

#include <filesystem>
#include <string>

#include "tests/integration/compose/made.h"

namespace hivemind::tests {

// docker compose v2, where it is on the machine; empty: it is not. Debian 12 has no package of it.
std::filesystem::path docker_compose();

// 'docker compose create' for the directory's compose.yml, inspected, and removed again.
Made made_by_reference(const EngineClient& engine, const std::filesystem::path& directory,
                       const std::string& project);

}  // namespace hivemind::tests
