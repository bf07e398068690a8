#pragma once

#include <cstddef>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace hivemind::tests {

// The service manager's end of sd_notify(3). A name that begins with '@' is an abstract socket.
class NotifySocket {
 public:
  explicit NotifySocket(std::filesystem::path name) : name_(name.string()) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (name_.size() >= sizeof address.sun_path) throw std::runtime_error("the name is too long");
    std::memcpy(address.sun_path, name_.data(), name_.size());
    if (name_.front() == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size());
    fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (::bind(fd_, reinterpret_cast<const sockaddr*>(&address), size) != 0)
      throw std::runtime_error("no socket for notifications");
  }
  ~NotifySocket() { ::close(fd_); }
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;

  const std::string& name() const { return name_; }

  // Of all lines that have come.
  int count(const std::string& line) {
    read();
    int found = 0;
    for (const std::string& each : lines_) found += each == line ? 1 : 0;
    return found;
  }
  bool has(const std::string& line) { return count(line) > 0; }

 private:
  void read() {
    char bytes[4096];
    for (;;) {
      const ssize_t size = ::recv(fd_, bytes, sizeof bytes, 0);
      if (size <= 0) return;
      std::string text(bytes, static_cast<std::size_t>(size));
      for (std::size_t at = 0; at <= text.size();) {
        const auto end = std::min(text.find('\n', at), text.size());
        lines_.push_back(text.substr(at, end - at));
        at = end + 1;
      }
    }
  }

  std::string name_;
  int fd_ = -1;
  std::vector<std::string> lines_;
};

}  // namespace hivemind::tests
