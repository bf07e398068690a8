#pragma once

#include <string>

namespace CLI {
class App;
}

namespace hivemind::hub::cli {

// Every command of the program with its flags, and the exit codes, as Markdown. Part of the adapter of CLI11.
std::string reference_of(const CLI::App& app);

}  // namespace hivemind::hub::cli
