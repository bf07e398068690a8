#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <sys/types.h>

namespace hivemind::hub {

// A process that was started here or left over by an earlier hub, held by a descriptor (pidfd_open(2)): it
// can be signalled and waited for without ever meeting another process that got its number.
class ProcessHandle {
 public:
  // Throws kNotFound when there is no such process.
  ProcessHandle(boost::asio::any_io_executor loop, pid_t pid);

  pid_t pid() const { return pid_; }
  void signal(int number);
  // Returns when the process has ended. Not reaped.
  boost::asio::awaitable<void> ended();
  // The same, but blocks, and no longer than this.
  bool wait(int milliseconds);

 private:
  pid_t pid_;
  boost::asio::posix::stream_descriptor descriptor_;
};

struct ChildOptions {
  std::vector<std::string> command;  // the program by its path
  std::filesystem::path pid_file;    // written by the child before it becomes the program
};

// A child process with its standard error on a pipe. The kernel sends it SIGTERM when the thread that made it
// dies.
class Child {
 public:
  // Forks. Throws kExhausted when the system refuses. A program that cannot be run is an exit with code 127.
  Child(boost::asio::any_io_executor loop, const ChildOptions& options);
  // Kills it when it still runs, and reaps it: whoever wants it to end well asks it before.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void signal(int number);
  // Whether the signal is one that the program takes, so that it does not end it: it has a handler for it, or
  // keeps it for later.
  bool takes(int number) const;
  // Returns when it has ended, with what waitpid(2) tells, in words: "exited with code 1", "was killed by
  // signal 9".
  boost::asio::awaitable<std::string> ended();
  // The same, but blocks, and no longer than this.
  bool wait(int milliseconds);

  boost::asio::posix::stream_descriptor& errors() { return errors_; }

 private:
  void reap();

  boost::asio::posix::stream_descriptor errors_;
  std::optional<ProcessHandle> process_;
  std::string outcome_;  // empty until reaped
};

}  // namespace hivemind::hub
