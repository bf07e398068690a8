#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/identity/directory.h"
#include "hivemind/v1/report.pb.h"
#include "tests/support/enrolment_desk.h"
#include "tests/support/http_engine.h"
#include "tests/support/kill_at_write.h"
#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

namespace hivemind::tests {

// One machine with an engine of records, the desk where it enrols, and a Mosquitto that wants certificates.
class Machine {
 public:
  Machine();
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  EnrolmentDesk desk;
  TemporaryDirectory directory;
  std::filesystem::path data;
  std::map<std::string, std::string> environment;  // of the agent and of 'enroll'

  agent::IdentityDirectory identity() const { return agent::IdentityDirectory(data); }

  // 'hivemind-agent enroll' with the desk's token, and further arguments.
  Outcome enrol(const std::vector<std::string>& more = {});
  Outcome status(const std::string& output = "table") const;
  void start_agent(const std::vector<std::string>& more = {});
  Process& agent() { return *agent_; }
  std::string log() const;  // of all runs of the agent
  bool says(const std::string& text, std::chrono::seconds longest = std::chrono::seconds(20)) const;

  // revoked: serials.
  void start_broker(const std::vector<std::string>& revoked = {});
  void kill_broker() { broker_->kill(); }
  // Retained at the broker; read as one who has a way in of his own.
  std::optional<v1::Report> report(std::chrono::seconds longest = std::chrono::seconds(20)) const;

  // From now on each process that is started is killed before its n-th write below 'identity'; 0: none is.
  void kill_at(std::uint64_t n);
  bool was_killed() const { return writes_->killed != 0; }

 private:
  HttpEngine engine_;
  int tls_port_, plain_port_;
  std::optional<Process> broker_, agent_;
  WriteCount* writes_ = nullptr;
};

// Where libfaketime is, or nothing.
std::string faketime_library();

}  // namespace hivemind::tests
