#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <vector>

#include <netinet/in.h>
#include <signal.h>
#include <time.h>

namespace hivemind::hub::git {

// Ends a call that blocks in a system call on this thread: when there was no progress for too long, or when
// another thread says so. libgit2 before 1.7 has no time-outs at all, and for SSH it tries again for ever
// (ssh.c loops on LIBSSH2_ERROR_TIMEOUT). So a timer of the kernel sends SIGURG to this one thread, again and
// again until the call has come back; nothing is sent as long as all is well. The signal makes the system
// call fail (EINTR), which HTTP takes for a failed connection, and its handler shuts down the connection to
// the peer, which SSH does.
//
// SIGURG, because it is ignored by default and used by nearly nobody; a handler that somebody else has set is
// left alone. Thread: made, told of progress and destroyed on the thread that blocks; cancel() from any
// thread. One a thread at a time.
class Interrupter {
 public:
  explicit Interrupter(std::chrono::milliseconds longest_silence);
  ~Interrupter();
  Interrupter(const Interrupter&) = delete;
  Interrupter& operator=(const Interrupter&) = delete;

  // The other end of the connection that is to be shut down. Looks up the host's name, which blocks; one that
  // is not found is left to whoever connects to tell.
  void watch_peer(const std::string& host, int port);

  void progress();
  void cancel();

  bool cancelled() const;
  bool timed_out() const;

 private:
  void arm(std::chrono::milliseconds first);

  const std::chrono::milliseconds longest_silence_;
  timer_t timer_{};
  sigset_t signals_before_{};
  std::vector<sockaddr_in6> peers_;  // read by the signal handler while it stands in this thread's variable

  mutable std::mutex mutex_;  // guards what follows
  bool cancelled_ = false;
  std::chrono::steady_clock::time_point last_progress_;
};

}  // namespace hivemind::hub::git
