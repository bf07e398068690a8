#include "hub/desired/git/interrupter.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include <netdb.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/error.h"

#ifndef sigev_notify_thread_id  // named in timer_create(2), but not by every glibc
#define sigev_notify_thread_id _sigev_un._tid
#endif

namespace hivemind::hub::git {
namespace {

constexpr std::chrono::milliseconds kRepeat{
    50};  // the call may have been between two system calls at the first one

constexpr rlim_t kMaxDescriptors = 1u << 20;

// A signal handler is given nothing but the thread that it runs on, so what it needs stands in a variable of
// the thread.
thread_local const std::vector<sockaddr_in6>* watched_peers = nullptr;

// IPv4 as the IPv6 address that stands for it, so that there is one form to compare.
sockaddr_in6 in_one_form(const sockaddr* address) {
  sockaddr_in6 result{};
  result.sin6_family = AF_INET6;
  if (address->sa_family == AF_INET6) {
    const auto* const six = reinterpret_cast<const sockaddr_in6*>(address);
    result.sin6_addr = six->sin6_addr;
    result.sin6_port = six->sin6_port;
  } else if (address->sa_family == AF_INET) {
    const auto* const four = reinterpret_cast<const sockaddr_in*>(address);
    result.sin6_addr.s6_addr[10] = result.sin6_addr.s6_addr[11] = 0xff;
    std::memcpy(&result.sin6_addr.s6_addr[12], &four->sin_addr, 4);
    result.sin6_port = four->sin_port;
  }
  return result;
}

bool same(const sockaddr_in6& one, const sockaddr_in6& other) {
  return one.sin6_port == other.sin6_port &&
         std::memcmp(&one.sin6_addr, &other.sin6_addr, sizeof one.sin6_addr) == 0;
}

void shut_down_if_peer(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  auto* const address = reinterpret_cast<sockaddr*>(&storage);
  if (::getpeername(fd, address, &length) != 0) return;
  const sockaddr_in6 peer = in_one_form(address);
  for (const sockaddr_in6& watched : *watched_peers) {
    if (same(peer, watched)) ::shutdown(fd, SHUT_RDWR);
  }
}

// Nothing but async-signal-safe calls. There is no way to ask libgit2 for its socket; we have no other
// connection to the host and port of the repository.
extern "C" void interrupt_thread(int) {
  if (watched_peers == nullptr) return;
  const int error_before = errno;
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const int end = static_cast<int>(std::min(limit.rlim_cur, kMaxDescriptors));
  for (int fd = 0; fd < end; ++fd) shut_down_if_peer(fd);
  errno = error_before;
}

void catch_signal() {
  struct sigaction now {};
  ::sigaction(SIGURG, nullptr, &now);
  if ((now.sa_flags & SA_SIGINFO) != 0 || (now.sa_handler != SIG_DFL && now.sa_handler != SIG_IGN)) return;
  struct sigaction ours {};
  ours.sa_handler = interrupt_thread;  // no SA_RESTART: the system call must fail
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
  watched_peers = nullptr;
  std::atomic_signal_fence(std::memory_order_seq_cst);  // a signal that is still under way finds nothing
  ::pthread_sigmask(SIG_SETMASK, &signals_before_, nullptr);
}

void Interrupter::watch_peer(const std::string& host, int port) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &found) != 0) return;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next)
    peers_.push_back(in_one_form(at->ai_addr));
  ::freeaddrinfo(found);
  std::atomic_signal_fence(std::memory_order_seq_cst);  // complete before the handler can see it
  watched_peers = &peers_;
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
