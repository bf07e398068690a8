#include "tests/integration/identity/machine.h"

#include <fstream>
#include <stdexcept>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/file.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

std::string agent_program() {
  return std::string(HIVEMIND_BIN) + "/hivemind-agent";
}

}  // namespace

Machine::Machine()
    : data(directory / "agent"),
      engine_(directory / "engine.sock"),
      tls_port_(free_port()),
      plain_port_(free_port()) {
  desk.set_broker("mqtts://:" + std::to_string(tls_port_));
  const fs::path file = directory / "writes";
  std::ofstream(file) << std::string(sizeof(WriteCount), '\0');
  const int fd = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
  void* place = ::mmap(nullptr, sizeof(WriteCount), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (place == MAP_FAILED) throw std::runtime_error("'" + file.string() + "' cannot be mapped");
  writes_ = static_cast<WriteCount*>(place);
}

Machine::~Machine() {
  if (agent_) agent_->kill();
  ::munmap(writes_, sizeof(WriteCount));
}

Outcome Machine::enrol(const std::vector<std::string>& more) {
  std::vector<std::string> command{agent_program(), "enroll",     "--hub",      desk.url(),
                                   "--token",       desk.token(), "--data-dir", data.string()};
  command.insert(command.end(), more.begin(), more.end());
  return run(command, environment);
}

Outcome Machine::status(const std::string& output) const {
  return run({agent_program(), "status", "--data-dir", data.string(), "--output", output}, environment);
}

void Machine::start_agent(const std::vector<std::string>& more) {
  std::vector<std::string> command{agent_program(), "--data-dir", data.string(), "--engine",
                                   engine_.docker_host()};
  command.insert(command.end(), more.begin(), more.end());
  agent_.emplace(command, Process::Options{directory / "agent.log", environment});
}

std::string Machine::log() const {
  const fs::path file = directory / "agent.log";
  return fs::exists(file) ? read_file(file) : "";
}

bool Machine::says(const std::string& text, std::chrono::seconds longest) const {
  return wait_until([&] { return log().find(text) != std::string::npos; }, longest);
}

void Machine::start_broker(const std::vector<std::string>& revoked) {
  write_file_durably(directory / "ca.pem", desk.ca().pem(), 0600);
  write_file_durably(directory / "server.pem", desk.server_pem(), 0600);
  write_file_durably(directory / "crl.pem", desk.revocation_list(revoked), 0600);
  const std::string base = directory.path();
  std::ofstream(directory / "mosquitto.conf")
      << "user root\nper_listener_settings true\npersistence false\n"
      << "listener " << plain_port_ << " 127.0.0.1\nallow_anonymous true\n"
      << "listener " << tls_port_ << " 127.0.0.1\ncafile " << base << "/ca.pem\ncertfile " << base
      << "/server.pem\nkeyfile " << base << "/server.pem\ncrlfile " << base
      << "/crl.pem\nrequire_certificate true\nuse_identity_as_username true\n";
  const std::string log = directory / "mosquitto.log";
  fs::remove(log);
  broker_.emplace(std::vector<std::string>{"/usr/sbin/mosquitto", "-v", "-c", directory / "mosquitto.conf"},
                  Process::Options{log, {}});
  if (!wait_until([&] { return fs::exists(log) && read_file(log).find(" running") != std::string::npos; },
                  10s))
    throw std::runtime_error("the broker did not come up\n" + read_file(log));
}

std::optional<v1::Report> Machine::report(std::chrono::seconds longest) const {
  const Outcome outcome =
      run({"mosquitto_sub", "-h", "127.0.0.1", "-p", std::to_string(plain_port_), "-q", "1", "-C", "1", "-W",
           std::to_string(longest.count()), "-N", "-t", "hivemind/v1/nodes/+/report"});
  v1::Report report;
  if (outcome.exit_code != 0 || !report.ParseFromString(outcome.output)) return std::nullopt;
  return report;
}

void Machine::kill_at(std::uint64_t n) {
  writes_->calls = 0;
  writes_->killed = 0;
  writes_->kill_at = n;
  environment["LD_PRELOAD"] = HIVEMIND_KILL_AT_WRITE;
  environment[kKillFileVariable] = directory / "writes";
  environment[kKillBelowVariable] = (data / "identity").string();  // and .new, .old
}

std::string faketime_library() {
  for (const char* place : {"/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
                            "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
                            "/usr/lib/arm-linux-gnueabihf/faketime/libfaketime.so.1"}) {
    if (fs::exists(place)) return place;
  }
  return "";
}

}  // namespace hivemind::tests
