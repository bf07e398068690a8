#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

namespace hivemind::tests {

// A real Mosquitto on 127.0.0.1 with a port without and one with TLS. Its certificate is for 'localhost' and
// 127.0.0.1, and signed by a CA of its own.
class TlsBroker {
 public:
  struct Options {
    std::string tls_lines{};             // further ones of mosquitto.conf(5) for the port with TLS
    std::string purpose = "serverAuth";  // of the broker's certificate: its extended key usage
    int days = 2;                        // how long it is valid; below 0: it has expired
  };
  TlsBroker() : TlsBroker(Options()) {}
  // Throws std::runtime_error when certificates cannot be made or the broker does not come up.
  explicit TlsBroker(const Options& options);

  struct Client {
    std::string name;
    bool of_other_ca = false;
    std::string purpose = "clientAuth";
    int days = 2;
  };
  // A new key and a certificate for it, in one file of the fixture.
  std::filesystem::path make_client(const Client& client) const;

  int plain_port() const { return plain_port_; }
  int tls_port() const { return tls_port_; }
  std::string plain_url() const { return "mqtt://127.0.0.1:" + std::to_string(plain_port_); }
  std::string tls_url(const std::string& host = "127.0.0.1") const {
    return "mqtts://" + host + ":" + std::to_string(tls_port_);
  }
  std::string log() const;  // what Mosquitto has said
  std::filesystem::path ca_file() const { return directory_ / "ca.pem"; }
  std::filesystem::path other_ca_file() const { return directory_ / "other.pem"; }  // signed nothing here

 private:
  void make_certificates(const Options& options) const;

  TemporaryDirectory directory_;
  mutable int clients_ = 0;
  int plain_port_;
  int tls_port_;
  std::optional<Process> process_;
};

}  // namespace hivemind::tests
