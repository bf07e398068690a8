#include "common/file.h"
#include "common/report_text.h"
#include "tests/integration/identity/machine.h"
#include "tests/support/catch.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;

// Only the clock on the wall: a kernel counts from 0 at any boot, whatever the date.
void set_clock(Machine& machine, const std::string& clock) {
  machine.environment = {
      {"LD_PRELOAD", faketime_library()}, {"FAKETIME", clock}, {"FAKETIME_DONT_FAKE_MONOTONIC", "1"}};
}

TEST_CASE("a node whose clock stands in the past connects all the same, and says so", "[clock]") {
  if (faketime_library().empty()) {
    WARN("no libfaketime here (deploy/dependencies.sh test)");
    return;
  }
  Machine machine;
  machine.start_broker();
  REQUIRE(machine.enrol().exit_code == 0);
  set_clock(machine, "@1970-01-01 00:00:05");
  machine.start_agent();
  CHECK(wait_until([&] { return machine.report() && machine.report()->reason() == v1::REASON_CLOCK_SKEW; },
                   20s));
  INFO(machine.log());
  CHECK_THAT(machine.report()->text(), ContainsSubstring("says 1970-01-01") && ContainsSubstring("NTP"));
  CHECK(machine.says("clock_skew"));
  CHECK(machine.desk.renewals().empty());
  CHECK_THAT(machine.status().output, ContainsSubstring("clock     this node's clock says 1970-01-01"));
}

TEST_CASE("a machine whose clock stands in the past enrols, and is told of it", "[clock]") {
  if (faketime_library().empty()) return;
  Machine machine;
  machine.start_broker();
  set_clock(machine, "@1970-01-01 00:00:05");
  const Outcome enrolled = machine.enrol();
  INFO(enrolled.errors);
  CHECK(enrolled.exit_code == 0);
  machine.start_agent();
  CHECK(machine.says("connected to the broker"));
  // The clock is set: what it has counted since is worth one early renewal at most.
  machine.agent().kill();
  machine.environment.clear();
  machine.start_agent();
  CHECK(machine.says("certificate_renewed"));
  CHECK(machine.desk.renewals().size() == 1);
}

TEST_CASE("a node whose clock is far ahead cannot connect, says why, and throws nothing away", "[clock]") {
  if (faketime_library().empty()) return;
  Machine machine;
  machine.start_broker();
  REQUIRE(machine.enrol().exit_code == 0);
  const std::string before = read_file(machine.identity().client_file());
  set_clock(machine, "@2039-01-19 03:14:00");
  machine.start_agent();
  CHECK(machine.says("clock_skew"));
  CHECK(wait_until([&] { return machine.status().output.find("reason    clock_skew") != std::string::npos; },
                   20s));
  INFO(machine.log() << machine.status().output);
  CHECK_THAT(machine.status().output, ContainsSubstring("2039-01-19"));
  CHECK(machine.agent().running());
  CHECK(read_file(machine.identity().client_file()) == before);
  // And is back as soon as the clock is set.
  machine.agent().kill();
  machine.environment.clear();
  machine.start_agent();
  CHECK(machine.says("connected to the broker"));
  CHECK(wait_until([&] { return machine.report() && machine.report()->reason() == v1::REASON_NONE; }, 20s));
}

TEST_CASE("a node that counts no time at all renews when the broker says that it must", "[clock]") {
  if (faketime_library().empty()) return;
  Machine machine;
  machine.start_broker();
  machine.desk.set_life(2s);
  REQUIRE(machine.enrol().exit_code == 0);
  REQUIRE(wait_until([&] { return machine.identity().credential().life().not_after_s + 1 < ::time(nullptr); },
                     10s));
  machine.desk.set_life(3'600s);
  set_clock(machine, "@1970-01-01 00:00:05");  // by which it is fresh
  machine.start_agent();
  CHECK(machine.says("certificate_renewed"));
  CHECK(machine.says("connected to the broker"));
  INFO(machine.log());
  CHECK(machine.desk.renewals().size() == 1);
}

}  // namespace
}  // namespace hivemind::tests
