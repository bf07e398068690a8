#include "tests/support/tls_broker.h"

#include <fstream>
#include <stdexcept>
#include <vector>

#include "common/file.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;

void openssl(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "openssl");
  const Outcome outcome = run(arguments);
  if (outcome.exit_code != 0) throw std::runtime_error("openssl " + arguments[1] + ": " + outcome.errors);
}

void make_ca(const std::string& key, const std::string& certificate, const std::string& name) {
  openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
           "-subj", "/CN=" + name, "-keyout", key, "-out", certificate});
}

}  // namespace

TlsBroker::TlsBroker() : plain_port_(free_port()), tls_port_(free_port()) {
  make_certificates();
  const std::string configuration = directory_ / "mosquitto.conf";
  const std::string directory = directory_.path();
  // Its own user could not read the key.
  std::ofstream(configuration)
      << "user root\nallow_anonymous true\npersistence false\nmax_inflight_messages 0\n"
      << "listener " << plain_port_ << " 127.0.0.1\n"
      << "listener " << tls_port_ << " 127.0.0.1\n"
      << "certfile " << directory << "/broker.pem\nkeyfile " << directory << "/broker.key\n";
  const std::string log = directory_ / "mosquitto.log";
  process_.emplace(std::vector<std::string>{"/usr/sbin/mosquitto", "-v", "-c", configuration},
                   Process::Options{log, {}});
  const auto up = [&] {
    return std::filesystem::exists(log) && read_file(log).find(" running") != std::string::npos;
  };
  if (!wait_until(up, 10s)) throw std::runtime_error("the broker did not come up\n" + read_file(log));
}

void TlsBroker::make_certificates() const {
  const std::string ca_key = directory_ / "ca.key";
  make_ca(ca_key, ca_file(), "hivemind test CA");
  make_ca(directory_ / "other.key", other_ca_file(), "another CA");
  const std::string request = directory_ / "broker.csr";
  openssl({"req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost",
           "-keyout", directory_ / "broker.key", "-out", request});
  const std::string extensions = directory_ / "extensions";
  std::ofstream(extensions) << "subjectAltName=DNS:localhost,IP:127.0.0.1\n";
  openssl({"x509", "-req", "-days", "2", "-in", request, "-CA", ca_file(), "-CAkey", ca_key,
           "-CAcreateserial", "-extfile", extensions, "-out", directory_ / "broker.pem"});
}

}  // namespace hivemind::tests
