#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace hivemind::tests {

// A child process; its output goes to a file. Killed and reaped when it goes, if it still runs.
class Process {
 public:
  struct Options {
    std::filesystem::path output;                    // standard output and error, appended; empty: /dev/null
    std::map<std::string, std::string> environment;  // added to our own
  };

  explicit Process(std::vector<std::string> command) : Process(std::move(command), Options()) {}
  Process(std::vector<std::string> command, Options options);
  ~Process();
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  bool running();
  // Exit code, or 128 + signal; nothing when it still runs after the time.
  std::optional<int> wait(std::chrono::milliseconds longest);
  // SIGKILL, then wait.
  void kill();

 private:
  void reap(int status);
  pid_t pid_ = -1;
  std::optional<int> exit_code_;
};

struct Outcome {
  int exit_code = -1;
  std::string output;  // standard output
  std::string errors;  // standard error
};

// Runs a command to its end; fails after the time with exit code -1.
Outcome run(std::vector<std::string> command, std::map<std::string, std::string> environment = {},
            std::chrono::seconds longest = std::chrono::seconds(60));

// True as soon as the condition holds; looks every few milliseconds.
bool wait_until(const std::function<bool()>& condition, std::chrono::milliseconds longest);

// A TCP port that nobody uses at the moment; each call of a process gives another one.
int free_port();

}  // namespace hivemind::tests
