#include "hub/desired/git/interrupter.h"

#include <cerrno>
#include <cstring>

#include <signal.h>
#include <unistd.h>

#include "common/error.h"

#ifndef sigev_notify_thread_id  // named in timer_create(2), but not by every glibc
#define sigev_notify_thread_id _sigev_un._tid
#endif

namespace hivemind::hub::git {
namespace {

constexpr std::chrono::milliseconds kRepeat{
    50};  // the call may have been between two system calls at the first one

extern "C" void ignore_signal(int) {}

void catch_signal() {
  struct sigaction now {};
  ::sigaction(SIGURG, nullptr, &now);
  if ((now.sa_flags & SA_SIGINFO) != 0 || (now.sa_handler != SIG_DFL && now.sa_handler != SIG_IGN)) return;
  struct sigaction ours {};
  ours.sa_handler = ignore_signal;  // no SA_RESTART: the system call must fail
  ::sigaction(SIGURG, &ours, nullptr);
}

timespec spec(std::chrono::milliseconds time) {
  return {static_cast<time_t>(time.count() / 1000), static_cast<long>(time.count() % 1000) * 1'000'000};
}

}  // namespace

Interrupter::Interrupter(std::chrono::milliseconds longest_silence)
    : longest_silence_(longest_silence), last_progress_(std::chrono::steady_clock::now()) {
  catch_signal();
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = SIGURG;
  event.sigev_notify_thread_id = ::gettid();
  if (::timer_create(CLOCK_MONOTONIC, &event, &timer_) != 0) {
    throw Error(ErrorCode::kExhausted, "no timer for the fetch: {}", std::strerror(errno));
  }
  sigset_t ours;
  sigemptyset(&ours);
  sigaddset(&ours, SIGURG);
  ::pthread_sigmask(SIG_UNBLOCK, &ours, &signals_before_);
  arm(longest_silence_);
}

Interrupter::~Interrupter() {
  ::timer_delete(timer_);
  ::pthread_sigmask(SIG_SETMASK, &signals_before_, nullptr);
}

void Interrupter::arm(std::chrono::milliseconds first) {
  const itimerspec times{spec(kRepeat), spec(first)};
  ::timer_settime(timer_, 0, &times, nullptr);
}

void Interrupter::progress() {
  const std::scoped_lock lock(mutex_);
  if (cancelled_) return;
  last_progress_ = std::chrono::steady_clock::now();
  arm(longest_silence_);
}

void Interrupter::cancel() {
  const std::scoped_lock lock(mutex_);
  cancelled_ = true;
  arm(std::chrono::milliseconds(1));
}

bool Interrupter::cancelled() const {
  const std::scoped_lock lock(mutex_);
  return cancelled_;
}

bool Interrupter::timed_out() const {
  const std::scoped_lock lock(mutex_);
  return !cancelled_ && std::chrono::steady_clock::now() - last_progress_ >= longest_silence_;
}

}  // namespace hivemind::hub::git
