#pragma once

#include <filesystem>
#include <string>

namespace hivemind::tests {

// A socket that takes connections and never answers.
class BlackHole {
 public:
  BlackHole();                                              // TCP, on a free port of 127.0.0.1
  explicit BlackHole(const std::filesystem::path& socket);  // a unix socket
  ~BlackHole();
  BlackHole(const BlackHole&) = delete;
  BlackHole& operator=(const BlackHole&) = delete;

  int port() const { return port_; }
  bool reached() const;  // somebody has connected

 private:
  int fd_ = -1;
  int port_ = 0;
};

}  // namespace hivemind::tests
