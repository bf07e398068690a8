#pragma once

#include <chrono>
#include <mutex>

#include <time.h>

namespace hivemind::hub::git {

// Ends a call that blocks in a system call on this thread: when there was no progress for too long, or when
// another thread says so. libgit2 before 1.7 has no time-outs at all, and never one for SSH; it takes a
// system call that a signal interrupts (EINTR) for a failed connection, which is just what is needed. So a
// timer of the kernel sends SIGURG to this one thread, again and again until the call has come back; nothing
// is sent as long as all is well.
//
// SIGURG, because it is ignored by default and used by nearly nobody; a handler that somebody else has set is
// left alone. Thread: made, told of progress and destroyed on the thread that blocks; cancel() from any
// thread.
class Interrupter {
 public:
  explicit Interrupter(std::chrono::milliseconds longest_silence);
  ~Interrupter();
  Interrupter(const Interrupter&) = delete;
  Interrupter& operator=(const Interrupter&) = delete;

  void progress();
  void cancel();

  bool cancelled() const;
  bool timed_out() const;

 private:
  void arm(std::chrono::milliseconds first);

  const std::chrono::milliseconds longest_silence_;
  timer_t timer_{};
  sigset_t signals_before_{};

  mutable std::mutex mutex_;  // guards what follows
  bool cancelled_ = false;
  std::chrono::steady_clock::time_point last_progress_;
};

}  // namespace hivemind::hub::git
