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

struct NewCertificate {
  std::filesystem::path base;  // of its files
  std::string name;
  std::filesystem::path ca;  // likewise
  std::string extensions;
  int days;
};

void make_certificate(const NewCertificate& wanted) {
  const auto file = [](const std::filesystem::path& base, const char* end) { return base.string() + end; };
  openssl({"req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
           "/CN=" + wanted.name, "-keyout", file(wanted.base, ".key"), "-out", file(wanted.base, ".csr")});
  std::ofstream(file(wanted.base, ".ext")) << wanted.extensions << '\n';
  openssl({"x509", "-req", "-days", std::to_string(wanted.days), "-in", file(wanted.base, ".csr"), "-CA",
           file(wanted.ca, ".pem"), "-CAkey", file(wanted.ca, ".key"), "-CAcreateserial", "-extfile",
           file(wanted.base, ".ext"), "-out", file(wanted.base, ".pem")});
}

}  // namespace

TlsBroker::TlsBroker(const Options& options) : plain_port_(free_port()), tls_port_(free_port()) {
  make_certificates(options);
  const std::string configuration = directory_ / "mosquitto.conf";
  const std::string directory = directory_.path();
  // Its own user could not read the key.
  std::ofstream(configuration)
      << "user root\nallow_anonymous true\npersistence false\nmax_inflight_messages 0\n"
      << "listener " << plain_port_ << " 127.0.0.1\n"
      << "listener " << tls_port_ << " 127.0.0.1\n"
      << "certfile " << directory << "/broker.pem\nkeyfile " << directory << "/broker.key\n"
      << options.tls_lines;
  const std::string log = directory_ / "mosquitto.log";
  process_.emplace(std::vector<std::string>{"/usr/sbin/mosquitto", "-v", "-c", configuration},
                   Process::Options{log, {}});
  const auto up = [&] {
    return std::filesystem::exists(log) && read_file(log).find(" running") != std::string::npos;
  };
  if (!wait_until(up, 10s)) throw std::runtime_error("the broker did not come up\n" + read_file(log));
}

void TlsBroker::make_certificates(const Options& options) const {
  make_ca(directory_ / "ca.key", ca_file(), "hivemind test CA");
  make_ca(directory_ / "other.key", other_ca_file(), "another CA");
  const std::string extensions =
      "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=" + options.purpose;
  make_certificate({directory_ / "broker", "localhost", directory_ / "ca", extensions, options.days});
}

std::filesystem::path TlsBroker::make_client(const Client& client) const {
  const std::filesystem::path base = directory_ / ("client-" + client.name + std::to_string(++clients_));
  make_certificate({base, client.name, directory_ / (client.of_other_ca ? "other" : "ca"),
                    "extendedKeyUsage=" + client.purpose, client.days});
  const std::filesystem::path both = base.string() + ".client";
  write_file_durably(both, read_file(base.string() + ".key") + read_file(base.string() + ".pem"), 0600);
  return both;
}

std::string TlsBroker::log() const {
  return read_file(directory_ / "mosquitto.log");
}

}  // namespace hivemind::tests
