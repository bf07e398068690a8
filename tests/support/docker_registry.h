#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/blocking_http.h"
#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

namespace hivemind::tests {

// A real registry (Debian's docker-registry) on loopback, without TLS.
class DockerRegistry {
 public:
  enum class Access { kOpen, kLogin };  // kLogin: 'user' with 'secret'

  static bool is_installed();

  explicit DockerRegistry(Access access = Access::kOpen);

  std::string host() const { return "127.0.0.1:" + std::to_string(port_); }
  void stop() { process_.reset(); }
  void start();  // with what it had

  // An image without layers, one manifest; returns its digest. content makes it another one.
  std::string push(const std::string& repository, const std::string& tag, const std::string& content) const;
  // An index with one manifest for each platform, such as "linux/arm/v7".
  std::string push_index(const std::string& repository, const std::string& tag,
                         const std::vector<std::string>& platforms) const;

 private:
  using Headers = std::vector<std::pair<std::string, std::string>>;
  std::string configuration() const { return directory_ / "config.yml"; }
  http::Response send(const std::string& method, const std::string& target, const std::string& body = "",
                      Headers headers = {}) const;
  std::string put_blob(const std::string& repository, const std::string& content) const;
  std::string put_manifest(const std::string& repository, const std::string& reference,
                           const nlohmann::json& manifest) const;
  nlohmann::json image_manifest(const std::string& repository, const std::string& content) const;

  TemporaryDirectory directory_;
  Access access_;
  int port_;
  std::optional<Process> process_;
};

}  // namespace hivemind::tests
