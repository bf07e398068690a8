#include <exception>
#include <iostream>

#include "hub/cli/run.h"

int main(int argc, char** argv) {
  using namespace hivemind::hub::cli;
  try {
    return static_cast<int>(run(std::vector<std::string>(argv + 1, argv + argc), standard_console()));
  } catch (const std::exception& error) {
    std::cerr << "error: internal: " << error.what() << '\n';
    return static_cast<int>(ExitCode::kInternal);
  }
}
