#include "hub/broker/child.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>

#include <boost/asio/use_awaitable.hpp>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/descriptor.h"
#include "common/error.h"

namespace hivemind::hub {
namespace {

// Mosquitto needs a descriptor for each connection.
constexpr rlim_t kDescriptors = 1'048'576;
constexpr int kCannotRun = 127;
constexpr unsigned kMostInherited = 65'536;

// glibc 2.36 has wrappers for these, the C library of older systems has not.
int open_process(pid_t pid) {
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}
void signal_process(int fd, int number) {
  ::syscall(SYS_pidfd_send_signal, fd, number, nullptr, 0);
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  // Root may raise both; everybody else as far as the hard limit.
  const rlimit wanted{kDescriptors, std::max(kDescriptors, limit.rlim_max)};
  if (::setrlimit(RLIMIT_NOFILE, &wanted) == 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

void write_pid(int fd) {
  char digits[24];
  char* at = std::end(digits);
  *--at = '\n';
  for (pid_t pid = ::getpid(); pid > 0; pid /= 10) *--at = static_cast<char>('0' + pid % 10);
  // A pid file that cannot be written costs only the recognition of a leftover.
  [[maybe_unused]] const ssize_t written = ::write(fd, at, static_cast<std::size_t>(std::end(digits) - at));
}

// Asio makes sockets that children inherit. A broker that outlives a killed hub for a moment would go on
// listening at the hub's own address, and the next hub could not.
void close_inherited() {
  constexpr unsigned kFirst = STDERR_FILENO + 1;
  if (::syscall(SYS_close_range, kFirst, ~0U, 0) == 0) return;
  for (unsigned fd = kFirst; fd < kMostInherited; ++fd) ::close(static_cast<int>(fd));  // Linux before 5.9
}

// Between fork and exec of a process with threads: nothing but async-signal-safe calls, no allocation
// (fork(2)).
[[noreturn]] void become(char* const* command, pid_t parent, int errors, int pid_file) {
  sigset_t none;
  sigemptyset(&none);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGUSR1, SIGUSR2, SIGCHLD})
    ::signal(number, SIG_DFL);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::setpgid(0, 0);  // a Ctrl-C in the terminal is for the hub, which then ends its broker in good order
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(kCannotRun);  // the hub died before the line above
  raise_descriptor_limit();
  const int null = ::open("/dev/null", O_RDWR);
  ::dup2(null, STDIN_FILENO);
  ::dup2(null, STDOUT_FILENO);
  ::dup2(errors, STDERR_FILENO);
  write_pid(pid_file);
  close_inherited();
  ::execv(command[0], command);
  ::_exit(kCannotRun);
}

bool readable(int fd, int milliseconds) {
  pollfd watched{fd, POLLIN, 0};
  return ::poll(&watched, 1, milliseconds) > 0;
}

}  // namespace

ProcessHandle::ProcessHandle(boost::asio::any_io_executor loop, pid_t pid) : pid_(pid), descriptor_(loop) {
  const int fd = open_process(pid);
  if (fd < 0) throw Error(ErrorCode::kNotFound, "process {}: {}", pid, std::strerror(errno));
  descriptor_.assign(fd);
}

void ProcessHandle::signal(int number) {
  signal_process(descriptor_.native_handle(), number);
}

boost::asio::awaitable<void> ProcessHandle::ended() {
  co_await descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                                  boost::asio::use_awaitable);
}

bool ProcessHandle::wait(int milliseconds) {
  return readable(descriptor_.native_handle(), milliseconds);
}

Child::Child(boost::asio::any_io_executor loop, const ChildOptions& options) : errors_(loop) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw Error(ErrorCode::kExhausted, "no pipe: {}", std::strerror(errno));
  errors_.assign(ends[0]);
  const Descriptor write_end(ends[1]);
  const Descriptor pid_file(::open(options.pid_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  std::vector<char*> command;
  for (const std::string& argument : options.command) command.push_back(const_cast<char*>(argument.c_str()));
  command.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) become(command.data(), parent, write_end.get(), pid_file.get());
  if (pid < 0) throw Error(ErrorCode::kExhausted, "no process: {}", std::strerror(errno));
  process_.emplace(loop, pid);  // it is our child and not reaped, so its number is still its own
}

Child::~Child() {
  if (!outcome_.empty()) return;
  signal(SIGKILL);
  reap();
}

void Child::signal(int number) {
  if (outcome_.empty()) process_->signal(number);
}

// proc(5): the masks of the signals that are blocked and caught; nothing is known where there is no /proc.
bool Child::takes(int number) const {
  std::ifstream status(fmt::format("/proc/{}/status", process_->pid()));
  bool is_known = false;
  unsigned long long taken = 0;
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with("SigBlk:") && !line.starts_with("SigCgt:")) continue;
    is_known = true;
    taken |= std::stoull(line.substr(line.find(':') + 1), nullptr, 16);
  }
  return !is_known || (taken >> (number - 1) & 1) != 0;
}

void Child::reap() {
  if (!outcome_.empty()) return;
  int status = 0;
  while (::waitpid(process_->pid(), &status, 0) < 0 && errno == EINTR) {
  }
  outcome_ = WIFSIGNALED(status) ? fmt::format("was killed by signal {}", WTERMSIG(status))
                                 : fmt::format("exited with code {}", WEXITSTATUS(status));
}

boost::asio::awaitable<std::string> Child::ended() {
  co_await process_->ended();
  reap();
  co_return outcome_;
}

bool Child::wait(int milliseconds) {
  if (outcome_.empty() && process_->wait(milliseconds)) reap();
  return !outcome_.empty();
}

}  // namespace hivemind::hub
