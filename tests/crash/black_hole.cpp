#include "tests/crash/black_hole.h"

#include <cstring>
#include <stdexcept>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace hivemind::tests {
namespace {

constexpr int kBacklog = 64;

template <typename Address>
int listening(int family, Address& address) {
  const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  if (fd < 0 || ::bind(fd, generic, size) != 0 || ::listen(fd, kBacklog) != 0 ||
      ::getsockname(fd, generic, &size) != 0)
    throw std::runtime_error("no socket to listen on");
  return fd;
}

}  // namespace

BlackHole::BlackHole() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  fd_ = listening(AF_INET, address);
  port_ = ntohs(address.sin_port);
}

BlackHole::BlackHole(const std::filesystem::path& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket.c_str(), sizeof address.sun_path - 1);
  fd_ = listening(AF_UNIX, address);
}

BlackHole::~BlackHole() {
  ::close(fd_);
}

// The kernel takes connections for us up to the backlog; that is all that happens to them.
bool BlackHole::reached() const {
  pollfd look{fd_, POLLIN, 0};
  return ::poll(&look, 1, 0) == 1;
}

}  // namespace hivemind::tests
