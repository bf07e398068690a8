#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hivemind::hub {

// A file in memory that a program is shown.
inline constexpr const char* kFileArgument = "/dev/fd/3";

// The environment that the hub was started with, and one that holds PATH and nothing else of the hub's.
std::vector<std::string> own_environment();
std::vector<std::string> bare_environment();

// What to run: a program of the system, without a shell.
struct Program {
  std::vector<std::string> words;  // the program, looked for in PATH when it has no '/', and its arguments
  std::vector<std::string> environment;  // NAME=VALUE each
  std::string_view input;                // on standard input
  std::optional<std::string_view> file;  // as kFileArgument
  std::size_t most_output = 0;           // bytes on standard output
  std::chrono::milliseconds limit{};
};

struct Ended {
  int exit_code = 0;  // 128 and the signal's number when a signal ended it
  std::string out;    // standard output
  std::string err;    // standard error, its first 4 KiB
};

// Runs it and waits until it has ended; what it has started and left behind may go on. It has its three
// streams, the file and no other descriptor of the hub's: a connection that the hub closes is closed, and the
// port it listens on is free when the hub is gone, however long the program takes.
//
// Throws kNotFound for a program that is not installed, kUnavailable when it has not ended by the limit,
// kExhausted when it says too much on standard output or nothing more can be started. In all these cases it
// is killed, and what it has started, too.
//
// Any thread; blocks.
Ended run_program(const Program& program);

}  // namespace hivemind::hub
