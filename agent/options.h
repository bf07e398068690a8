#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace hivemind::agent {

enum class Command { kRun, kStatus };
enum class OutputForm { kTable, kJson };

struct Options {
  Command command = Command::kRun;
  std::string node;
  std::map<std::string, std::string> labels;
  std::string broker;
  std::filesystem::path broker_ca;  // empty: none; required by mqtts://
  unsigned keep_alive_s = 0;
  std::filesystem::path hub_key;
  std::filesystem::path data_directory;  // absolute
  std::string log_level;
  std::string engine;  // empty: as DOCKER_HOST says
  unsigned parallel_pulls = 1;
  std::optional<std::int64_t> disk_reserve_bytes = {};  // as Pulls::Options::reserve_bytes
  std::chrono::milliseconds heartbeat{
      std::chrono::minutes(5)};  // between reports in which nothing has changed
  OutputForm output = OutputForm::kTable;
};

// What the command line asks for: options to run with, or an exit code when help, the version or an error was
// printed.
struct CommandLine {
  Options options;
  int exit_code = -1;  // below zero: run
};

// Reads flags, HIVEMIND_… variables and the file that --config names, in this order of precedence. Throws
// kInvalid for values that cannot be meant.
CommandLine read_command_line(int argc, const char* const* argv);

}  // namespace hivemind::agent
