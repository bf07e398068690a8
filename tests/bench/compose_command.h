#pragma once

#include <string>
#include <vector>

namespace hivemind::bench {

// 'docker compose' or 'docker-compose', whichever is installed; empty: none.
std::vector<std::string> compose_command();

}  // namespace hivemind::bench
