#include "hub/process/program.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/descriptor.h"
#include "common/error.h"
#include "common/secret_text.h"

namespace hivemind::hub {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kMostWords = 4u << 10;
constexpr int kFile = 3;         // kFileArgument
constexpr int kFirstSpare = 10;  // above those that the program is given
constexpr milliseconds kBetweenLooks{10};

[[noreturn]] void fail(const std::string& program, int error) {
  const ErrorCode code = error == ENOENT                      ? ErrorCode::kNotFound
                         : error == EMFILE || error == ENFILE ? ErrorCode::kExhausted
                                                              : ErrorCode::kUnavailable;
  throw Error(code, "program '{}' cannot be run: {}", program, std::strerror(error));
}

// The same with another number, one that giving the program its own cannot overwrite.
Descriptor spare(const std::string& program, const Descriptor& one) {
  Descriptor other(::fcntl(one.get(), F_DUPFD_CLOEXEC, kFirstSpare));
  if (other.get() < 0) fail(program, errno);
  return other;
}

// Nothing of it is left behind, whatever happens to either process.
Descriptor memory_file(const std::string& program, std::string_view content) {
  const Descriptor made(::memfd_create("hivemind", MFD_CLOEXEC));
  if (made.get() < 0) fail(program, errno);
  while (!content.empty()) {
    const ssize_t written = ::write(made.get(), content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(program, errno);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  ::lseek(made.get(), 0, SEEK_SET);
  return spare(program, made);
}

struct Pipe {
  explicit Pipe(const std::string& program) {
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail(program, errno);
    const Descriptor first(ends[0]), second(ends[1]);
    ::fcntl(first.get(), F_SETFL, O_NONBLOCK);
    from.emplace(spare(program, first));
    to.emplace(spare(program, second));
  }

  std::optional<Descriptor> from, to;
};

// What the program says on one stream. Of more than the most that is wanted one byte is kept, which tells.
class Voice {
 public:
  Voice(Descriptor from, std::size_t most) : from_(std::move(from)), most_(most) {}
  ~Voice() { wipe(text_); }
  Voice(const Voice&) = delete;
  Voice& operator=(const Voice&) = delete;

  pollfd watched() const { return {from_ ? from_->get() : -1, POLLIN, 0}; }
  bool is_too_much() const { return text_.size() > most_; }
  std::string take() {
    text_.resize(std::min(text_.size(), most_));
    return std::move(text_);
  }

  // Once. False when nothing is there, or never will be again.
  bool listen() {
    if (!from_) return false;
    std::array<char, 16384> buffer;
    const ssize_t got = ::read(from_->get(), buffer.data(), buffer.size());
    if (got > 0) {
      text_.append(buffer.data(), std::min(static_cast<std::size_t>(got), most_ + 1 - text_.size()));
      return true;
    }
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) from_.reset();
    return got < 0 && errno == EINTR;
  }
  // What is there already.
  void drain() {
    while (!is_too_much() && listen()) {
    }
  }

 private:
  std::optional<Descriptor> from_;
  std::size_t most_;
  std::string text_;
};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (const std::string& text : texts) all.push_back(const_cast<char*>(text.c_str()));
  all.push_back(nullptr);
  return all;
}

// Signals that the hub blocks or ignores reach the program as they should. Its group is its own, so that all
// it starts can be killed with it.
void set_attributes(posix_spawnattr_t& attributes) {
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
}

// descriptors: those that become 0, 1, 2 and so on. Asio makes sockets that children inherit: all others are
// closed in the child.
pid_t spawn(const Program& program, const std::vector<int>& descriptors) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  set_attributes(attributes);
  int number = 0;
  for (const int descriptor : descriptors) ::posix_spawn_file_actions_adddup2(&actions, descriptor, number++);
  ::posix_spawn_file_actions_addclosefrom_np(&actions, number);
  pid_t pid = 0;
  const int error = ::posix_spawnp(&pid, program.words.front().c_str(), &actions, &attributes,
                                   pointers(program.words).data(), pointers(program.environment).data());
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) fail(program.words.front(), error);
  return pid;
}

// The process of a program. Killed and waited for when it goes before its end.
class Running {
 public:
  Running(const Program& program, const std::vector<int>& descriptors)
      : pid_(spawn(program, descriptors)), end_(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0))) {}
  ~Running() {
    if (pid_ < 0) return;
    ::kill(-pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  pollfd watched() const { return {end_.get(), POLLIN, 0}; }
  // How long to wait for it at once: Linux before 5.3 does not tell when it ends.
  milliseconds patience(milliseconds left) const {
    return end_.get() < 0 ? std::min(left, kBetweenLooks) : left;
  }

  // Its exit code, once it has ended.
  std::optional<int> exit_code() {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t pid_;
  Descriptor end_;
};

// By its own end and not by that of its streams, which what it leaves behind may keep open.
int attend(Running& running, Voice& out, Voice& err, const Program& program) {
  const auto deadline = Clock::now() + program.limit;
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) {
      throw Error(ErrorCode::kUnavailable, "program '{}' does not end within {} ms (it was killed)",
                  program.words.front(), program.limit.count());
    }
    std::array<pollfd, 3> waits{running.watched(), out.watched(), err.watched()};
    if (::poll(waits.data(), waits.size(), static_cast<int>(running.patience(left).count())) < 0 &&
        errno != EINTR)
      fail(program.words.front(), errno);
    const std::optional<int> code = running.exit_code();
    out.listen();
    err.listen();
    if (code) {
      out.drain();
      err.drain();
    }
    if (out.is_too_much()) {
      throw Error(ErrorCode::kExhausted, "program '{}' writes more than {} bytes", program.words.front(),
                  program.most_output);
    }
    if (code) return *code;
  }
}

}  // namespace

std::vector<std::string> own_environment() {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) variables.emplace_back(*variable);
  return variables;
}

std::vector<std::string> bare_environment() {
  const char* const path = std::getenv("PATH");
  return {fmt::format("PATH={}", path != nullptr ? path : "/usr/bin:/bin"), "LC_ALL=C"};
}

Ended run_program(const Program& program) {
  const std::string& name = program.words.front();
  const Descriptor in = memory_file(name, program.input);
  const Descriptor file = program.file ? memory_file(name, *program.file) : Descriptor(-1);
  Pipe out(name), err(name);
  std::vector<int> descriptors{in.get(), out.to->get(), err.to->get()};
  if (program.file) descriptors.push_back(file.get());
  Running running(program, descriptors);
  out.to.reset();
  err.to.reset();
  Voice says(std::move(*out.from), program.most_output), complains(std::move(*err.from), kMostWords);
  const int code = attend(running, says, complains, program);
  return {code, says.take(), complains.take()};
}

}  // namespace hivemind::hub
