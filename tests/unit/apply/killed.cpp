#include "tests/unit/apply/killed.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/catch.h"

namespace hivemind::tests {
namespace {

constexpr std::array<long, 10> kChanges{SYS_openat,    SYS_write,   SYS_fsync,    SYS_fchmod,   SYS_fchown,
                                        SYS_renameat2, SYS_mkdirat, SYS_unlinkat, SYS_renameat,
#ifdef SYS_rename
                                        SYS_rename};
#else
                                        SYS_renameat};
#endif

[[noreturn]] void run(const std::function<void()>& work) {
  ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
  ::raise(SIGSTOP);
  try {
    work();
  } catch (...) {
    ::_exit(2);
  }
  ::_exit(0);
}

bool enters_change(pid_t child) {
  __ptrace_syscall_info info{};
  const auto size = reinterpret_cast<void*>(sizeof info);
  if (::ptrace(static_cast<__ptrace_request>(PTRACE_GET_SYSCALL_INFO), child, size, &info) <= 0) return false;
  if (info.op != PTRACE_SYSCALL_INFO_ENTRY) return false;
  return std::ranges::find(kChanges, static_cast<long>(info.entry.nr)) != kChanges.end();
}

}  // namespace

bool killed_before_change(int n, const std::function<void()>& work) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) run(work);
  int status = 0;
  ::waitpid(child, &status, 0);
  // Without it the kernel does not say which call it is.
  REQUIRE(::ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) == 0);
  while (WIFSTOPPED(status)) {
    if (enters_change(child) && --n == 0) {
      ::kill(child, SIGKILL);
      ::waitpid(child, &status, 0);
      return true;
    }
    ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
    ::waitpid(child, &status, 0);
  }
  REQUIRE(WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) == 0);
  return false;
}

}  // namespace hivemind::tests
