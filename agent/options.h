#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "agent/plan/policy.h"

namespace hivemind::agent {

enum class Command { kRun, kStatus, kEnroll };
enum class OutputForm { kTable, kJson };

struct Options {
  Command command = Command::kRun;
  std::string node;  // empty: not said
  std::map<std::string, std::string> labels;
  std::string broker;               // empty: not said
  std::filesystem::path broker_ca;  // empty: none; required by mqtts://
  unsigned keep_alive_s = 0;
  std::filesystem::path hub_key;            // empty: not said
  std::filesystem::path data_directory;     // absolute
  std::filesystem::path secrets_directory;  // absolute
  std::string log_level;
  std::string engine;  // empty: as DOCKER_HOST says
  unsigned parallel_pulls = 1;
  std::optional<std::int64_t> disk_reserve_bytes = {};  // as Pulls::Options::reserve_bytes
  std::chrono::milliseconds heartbeat{
      std::chrono::minutes(5)};  // between reports in which nothing has changed
  OutputForm output = OutputForm::kTable;
  // Of the command 'enroll'.
  std::string hub;
  std::string token;
  std::chrono::milliseconds patience{std::chrono::minutes(10)};
  bool force = false;
  Policy policy = {};
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
