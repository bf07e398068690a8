#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>

namespace hivemind::hub {

// The adapter of the program 'sops', which decrypts what Mozilla's SOPS has encrypted. It finds its keys by
// itself: in the environment that the hub was started with (SOPS_AGE_KEY_FILE …), by GnuPG or in a cloud.
//
// Thread: any. What it has decrypted once it remembers: it may take seconds, and ask somebody over the
// network.
class Sops {
 public:
  // program: looked for in PATH when it has no '/'.
  explicit Sops(std::string program = "sops", std::chrono::milliseconds limit = std::chrono::seconds(20))
      : program_(std::move(program)), limit_(limit) {}
  ~Sops();
  Sops(const Sops&) = delete;
  Sops& operator=(const Sops&) = delete;

  // Of a dotenv file. Throws kNotFound where the program is not installed, kUnavailable when it takes too
  // long, kDenied with its last words when it does not decrypt, kExhausted for more than 1 MiB.
  std::string decrypt_env_file(const std::string& text) const;

 private:
  std::string run(const std::string& text) const;

  std::string program_;
  std::chrono::milliseconds limit_;
  mutable std::mutex mutex_;
  mutable std::map<std::string, std::string> decrypted_;  // by SHA-256 of what was encrypted
};

}  // namespace hivemind::hub
