#include "common/file.h"
#include "tests/integration/identity/machine.h"
#include "tests/support/catch.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a certificate is renewed under way, and the new one is used at once", "[renewal]") {
  Machine machine;
  machine.start_broker();
  machine.desk.set_life(6s);
  REQUIRE(machine.enrol().exit_code == 0);
  const std::string first = machine.identity().credential().certificate().serial();
  machine.start_agent();
  REQUIRE(machine.says("connected to the broker"));
  machine.desk.set_life(3'600s);
  CHECK(machine.says("certificate_renewed"));
  CHECK(wait_until(
      [&] {
        return machine.log().find("connected to the broker", machine.log().find("certificate_renewed")) !=
               std::string::npos;
      },
      20s));
  INFO(machine.log());
  CHECK(machine.identity().credential().certificate().serial() != first);
  CHECK(machine.desk.renewals().size() == 1);
  CHECK(machine.report()->text().empty());
}

TEST_CASE("a renewal that fails is tried again, and told", "[renewal]") {
  Machine machine;
  machine.start_broker();
  machine.desk.set_life(20s);
  machine.desk.answer_renew(
      [](const auto&) { return EnrolmentDesk::refusal(503, "the store cannot be written"); });
  REQUIRE(machine.enrol().exit_code == 0);
  machine.start_agent();
  REQUIRE(machine.says("renewal_failed", 30s));
  CHECK(wait_until([&] { return machine.desk.renewals().size() >= 3; }, 20s));
  CHECK_THAT(machine.log(), ContainsSubstring("the store cannot be written"));
  CHECK(wait_until([&] { return machine.status().output.find("cannot be renewed") != std::string::npos; },
                   20s));
  machine.desk.set_life(3'600s);
  machine.desk.answer_renew({});
  CHECK(machine.says("certificate_renewed"));
  INFO(machine.log());
  CHECK(machine.agent().running());
}

TEST_CASE("a node whose certificate has expired renews it with its old key, and is back", "[renewal]") {
  Machine machine;
  machine.start_broker();
  machine.desk.set_life(1s);
  REQUIRE(machine.enrol().exit_code == 0);
  REQUIRE(wait_until([&] { return machine.identity().credential().life().not_after_s + 1 < ::time(nullptr); },
                     10s));
  machine.desk.set_life(3'600s);
  machine.start_agent();
  CHECK(machine.says("certificate_renewed"));
  CHECK(machine.says("connected to the broker"));
  CHECK(wait_until([&] { return machine.status().output.find("trouble") == std::string::npos; }, 20s));
  INFO(machine.log() << machine.status().output);
  CHECK(machine.report());
}

TEST_CASE("of a certificate that the hub renews no more the status tells the hub's words", "[renewal]") {
  Machine machine;
  machine.start_broker();
  machine.desk.set_life(1s);
  machine.desk.answer_renew(
      [](const auto&) { return EnrolmentDesk::refusal(401, "it expired more than 30 days ago"); });
  REQUIRE(machine.enrol().exit_code == 0);
  REQUIRE(wait_until([&] { return machine.identity().credential().life().not_after_s + 1 < ::time(nullptr); },
                     10s));
  machine.start_agent();
  CHECK(machine.says("cannot be renewed: the hub refuses: it expired more than 30 days ago"));
  const auto status_has = [&](const char* words) {
    return machine.status().output.find(words) != std::string::npos;
  };
  CHECK(wait_until([&] { return status_has("it expired more than 30 days ago"); }, 20s));
  INFO(machine.log() << machine.status().output);
  CHECK_FALSE(status_has("being renewed"));
}

TEST_CASE("a revoked node is told so, goes on, and keeps what it has", "[renewal]") {
  Machine machine;
  REQUIRE(machine.enrol().exit_code == 0);
  const std::string before = read_file(machine.identity().client_file());
  machine.start_broker({machine.identity().credential().certificate().serial()});
  machine.start_agent();
  CHECK(machine.says("the hub has revoked this node's certificate"));
  CHECK(wait_until([&] { return machine.status().output.find("revoked") != std::string::npos; }, 20s));
  INFO(machine.log() << machine.status().output);
  CHECK(machine.agent().running());
  CHECK(machine.desk.renewals().empty());
  CHECK(read_file(machine.identity().client_file()) == before);
}

TEST_CASE("a broker with a certificate of another hub is not spoken with", "[renewal]") {
  Machine machine;
  Machine other;
  other.start_broker();
  REQUIRE(machine.enrol().exit_code == 0);
  REQUIRE(other.enrol().exit_code == 0);
  machine.start_agent({"--broker", other.identity().enrolment().broker});
  CHECK(machine.says("is not from this node's hub"));
  INFO(machine.log());
  CHECK_FALSE(other.report(5s));
}

}  // namespace
}  // namespace hivemind::tests
