#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

namespace hivemind::tests {

// A real Mosquitto on 127.0.0.1 with a port without and one with TLS. Its certificate is for 'localhost' and
// 127.0.0.1, and signed by a CA of its own.
class TlsBroker {
 public:
  TlsBroker();  // throws std::runtime_error when certificates cannot be made or the broker does not come up

  int plain_port() const { return plain_port_; }
  int tls_port() const { return tls_port_; }
  std::string plain_url() const { return "mqtt://127.0.0.1:" + std::to_string(plain_port_); }
  std::string tls_url(const std::string& host = "127.0.0.1") const {
    return "mqtts://" + host + ":" + std::to_string(tls_port_);
  }
  std::filesystem::path ca_file() const { return directory_ / "ca.pem"; }
  std::filesystem::path other_ca_file() const { return directory_ / "other.pem"; }  // signed nothing here

 private:
  void make_certificates() const;

  TemporaryDirectory directory_;
  int plain_port_;
  int tls_port_;
  std::optional<Process> process_;
};

}  // namespace hivemind::tests
