#include "tests/bench/compose_command.h"

#include "tests/support/process.h"

namespace hivemind::bench {

std::vector<std::string> compose_command() {
  if (tests::run({"docker", "compose", "version"}).exit_code == 0) return {"docker", "compose"};
  if (tests::run({"sh", "-c", "command -v docker-compose"}).exit_code == 0) return {"docker-compose"};
  return {};
}

}  // namespace hivemind::bench
