#include "agent/notify.h"

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/log.h"

namespace hivemind::agent {
namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value <= 0) return std::nullopt;
  return value;
}

}  // namespace

// The watchdog may be meant for another process, whose environment this one has inherited.
Supervision Supervision::from_environment() {
  Supervision supervision{std::string(variable("NOTIFY_SOCKET")), std::nullopt};
  const std::string_view pid = variable("WATCHDOG_PID");
  if (!pid.empty() && number(pid) != ::getpid()) return supervision;
  if (const auto limit = number(variable("WATCHDOG_USEC"))) supervision.ping.emplace(*limit);
  return supervision;
}

Notify::Notify(boost::asio::any_io_executor loop, Supervision supervision)
    : supervision_(std::move(supervision)), timer_(std::move(loop)) {}

void Notify::ready(std::string_view status) {
  send(fmt::format("READY=1\nSTATUS={}", status));
  ping_later();
}

void Notify::stopping(std::string_view status) {
  timer_.cancel();
  send(fmt::format("STOPPING=1\nSTATUS={}", status));
}

// Half of the limit, as sd_watchdog_enabled(3) has it.
void Notify::ping_later() {
  if (supervision_.socket.empty() || !supervision_.ping) return;
  timer_.expires_after(*supervision_.ping / 2);
  timer_.async_wait([this](const boost::system::error_code& cancelled) {
    if (cancelled) return;
    send("WATCHDOG=1");
    ping_later();
  });
}

void Notify::send(const std::string& lines) const {
  const std::string& name = supervision_.socket;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (name.empty() || name.size() >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, name.data(), name.size());
  // An abstract socket has no file; its name begins with a zero byte, which the variable writes as '@'.
  if (name.front() == '@') address.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return;
  if (::sendto(fd, lines.data(), lines.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address),
               length) < 0)
    log::debug("the service manager is not told '{}': {}", lines, std::strerror(errno));
  ::close(fd);
}

}  // namespace hivemind::agent
