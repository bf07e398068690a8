#pragma once

#include "hub/cli/console.h"
#include "hub/cli/invocation.h"

namespace hivemind::hub::cli {

// Does what was asked for and prints it. An Error that ends the command is printed here, and gives its exit
// code.
ExitCode run(const Invocation& invocation, const Console& console);

// --version, --help and mistakes in the command line included. args: without the program's name.
ExitCode run(std::vector<std::string> args, const Console& console);

}  // namespace hivemind::hub::cli
