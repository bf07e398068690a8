#pragma once

#include <string>

namespace hivemind::hub::git {

// A remote's address taken apart, once, so that nothing else handles the text that may hold a password.
struct RemoteUrl {
  enum class Transport { kLocal, kHttp, kSsh };

  Transport transport = Transport::kLocal;
  std::string
      plain;  // fit for libgit2; without password, and without user but for ssh, where it is no secret
  std::string shown;     // fit for people: redacted(url)
  std::string user;      // decoded; "" when the address names none
  std::string password;  // decoded
  std::string host;      // without brackets; "" when local
  int port = 22;         // of ssh only

  // Throws kInvalid; the message holds no more than the redacted form.
  static RemoteUrl parse(const std::string& url);
};

}  // namespace hivemind::hub::git
