#include <atomic>
#include <csignal>

#include "common/file.h"
#include "tests/integration/identity/machine.h"
#include "tests/support/catch.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

std::string key_of(const nlohmann::json& question) {
  return x509::Request::parse(question.at("csr").get<std::string>()).public_key().fingerprint();
}

TEST_CASE("a machine enrols with a token, and then runs without flags", "[enrol]") {
  Machine machine;
  machine.start_broker();
  const Outcome enrolled = machine.enrol();
  INFO(enrolled.errors);
  REQUIRE(enrolled.exit_code == 0);
  CHECK_THAT(enrolled.output, ContainsSubstring("enrolled as node 'pi-1'"));
  CHECK(machine.identity().enrolment().hub == machine.desk.url());
  CHECK_THAT(machine.identity().enrolment().broker, ContainsSubstring("mqtts://127.0.0.1:"));
  REQUIRE(machine.desk.enrolments().size() == 1);
  CHECK(machine.desk.enrolments()[0]["token"] == "t1.secret");
  CHECK_FALSE(machine.desk.enrolments()[0].contains("node"));
  // No private key leaves the machine.
  CHECK(machine.desk.enrolments()[0].dump().find("PRIVATE") == std::string::npos);
  CHECK_THAT(machine.status().output, ContainsSubstring("node 'pi-1', certificate until 20") &&
                                          ContainsSubstring("no agent has run yet"));

  machine.start_agent();
  CHECK(wait_until([&] { return machine.report().has_value(); }, 20s));
  INFO(machine.log());
  CHECK(machine.report()->node() == "pi-1");
  // A running agent holds the directory, whatever is asked for.
  const Outcome again = machine.enrol({"--force"});
  CHECK(again.exit_code == 1);
  CHECK_THAT(again.errors, ContainsSubstring("is used by another agent"));
  machine.agent().signal(SIGTERM);
  CHECK(machine.agent().wait(10s) == 0);
  CHECK(nlohmann::json::parse(machine.status("json").output)["identity"]["node"] == "pi-1");
}

TEST_CASE("a machine that is enrolled says so, and is enrolled anew when that is wanted", "[enrol]") {
  Machine machine;
  REQUIRE(machine.enrol().exit_code == 0);
  const std::string before = read_file(machine.identity().client_file());
  const Outcome again = machine.enrol();
  CHECK(again.exit_code == 1);
  CHECK_THAT(again.errors,
             ContainsSubstring("enrolled already, as node 'pi-1'") && ContainsSubstring("--force"));
  CHECK(read_file(machine.identity().client_file()) == before);
  write_file_durably(machine.data / "agent.db", "a store", 0600);
  REQUIRE(machine.enrol({"--force", "--node", "pi-2"}).exit_code == 0);
  CHECK(machine.desk.enrolments().back()["node"] == "pi-2");
  CHECK(read_file(machine.identity().client_file()) != before);
  CHECK(fs::exists(machine.data / "agent.db"));  // the hub is the same one

  const EnrolmentDesk other;
  const Outcome moved = run({std::string(HIVEMIND_BIN) + "/hivemind-agent", "enroll", "--hub", other.url(),
                             "--token", other.token(), "--data-dir", machine.data, "--force"});
  INFO(moved.errors);
  CHECK(moved.exit_code == 0);
  CHECK_FALSE(fs::exists(machine.data / "agent.db"));  // generations of another hub mean nothing
}

TEST_CASE("what keeps a machine from enrolling has an exit code and a remedy", "[enrol]") {
  Machine machine;
  SECTION("a token that the hub does not take") {
    machine.desk.answer_enrol(
        [](const auto&) { return EnrolmentDesk::refusal(401, "the token has expired"); });
    const Outcome refused = machine.enrol();
    CHECK(refused.exit_code == 5);
    CHECK_THAT(refused.errors,
               ContainsSubstring("the token has expired") && ContainsSubstring("token create"));
  }
  SECTION("an id that is taken") {
    machine.desk.answer_enrol(
        [](const auto&) { return EnrolmentDesk::refusal(409, "there is a node 'pi-1'"); });
    const Outcome refused = machine.enrol();
    CHECK(refused.exit_code == 1);
    CHECK_THAT(refused.errors,
               ContainsSubstring("there is a node 'pi-1'") && ContainsSubstring("node replace"));
  }
  SECTION("somebody in between who shows a CA of his own") {
    const EnrolmentDesk other;
    machine.desk.set_ca_shown(other.ca().pem());
    const Outcome refused = machine.enrol();
    CHECK(refused.exit_code == 5);
    CHECK_THAT(refused.errors, ContainsSubstring("somebody stands in between"));
    CHECK(machine.desk.enrolments().empty());  // the token was not shown
  }
  SECTION("somebody in between who shows the right CA, but has no certificate of it") {
    const EnrolmentDesk other;
    machine.desk.set_ca_shown(other.ca().pem());
    const Outcome refused = run({std::string(HIVEMIND_BIN) + "/hivemind-agent", "enroll", "--hub",
                                 machine.desk.url(), "--token", other.token(), "--data-dir", machine.data});
    CHECK(refused.exit_code == 5);
    CHECK_THAT(refused.errors, ContainsSubstring("authority that is not trusted"));
    CHECK(machine.desk.enrolments().empty());
  }
  SECTION("a hub that is not there") {
    const Outcome refused = run({std::string(HIVEMIND_BIN) + "/hivemind-agent", "enroll", "--hub",
                                 "https://127.0.0.1:" + std::to_string(free_port()), "--token",
                                 machine.desk.token(), "--data-dir", machine.data});
    CHECK(refused.exit_code == 3);
    CHECK_THAT(refused.errors, ContainsSubstring("cannot connect"));
  }
  SECTION("a certificate for a key that is not the machine's") {
    machine.desk.answer_enrol([&](const nlohmann::json& question) {
      nlohmann::json strange = question;
      strange["csr"] = x509::Request::make(x509::PrivateKey::generate(), "pi-1").pem();
      return machine.desk.grant(strange);
    });
    const Outcome refused = machine.enrol();
    CHECK(refused.exit_code == 1);
    CHECK_THAT(refused.errors, ContainsSubstring("for another key"));
  }
  SECTION("what is no token, and what is no address") {
    const std::string agent = std::string(HIVEMIND_BIN) + "/hivemind-agent";
    CHECK(run({agent, "enroll", "--hub", machine.desk.url(), "--token", "x", "--data-dir", machine.data})
              .exit_code == 2);
    CHECK(run({agent, "enroll", "--hub", "http://127.0.0.1:1", "--token", machine.desk.token(), "--data-dir",
               machine.data})
              .exit_code == 2);
    CHECK(run({agent, "enroll", "--token", machine.desk.token()}).exit_code == 2);
  }
  CHECK_FALSE(machine.identity().exists());
}

TEST_CASE("a machine waits for approval, and asks again with the same key", "[enrol]") {
  Machine machine;
  std::atomic<bool> is_approved = false;
  machine.desk.answer_enrol([&](const nlohmann::json& question) -> EnrolmentDesk::Reply {
    if (!is_approved) return {202, R"({"state": "waiting", "retry_after_s": 1})"};
    return machine.desk.grant(question);
  });
  const Outcome impatient = machine.enrol({"--wait", "0s"});
  CHECK(impatient.exit_code == 6);
  CHECK_THAT(impatient.errors, ContainsSubstring("node approve") && ContainsSubstring("same command again"));
  CHECK_FALSE(machine.identity().exists());
  Process waiting({std::string(HIVEMIND_BIN) + "/hivemind-agent", "enroll", "--hub", machine.desk.url(),
                   "--token", machine.desk.token(), "--data-dir", machine.data});
  CHECK(wait_until([&] { return machine.desk.enrolments().size() >= 3; }, 20s));
  is_approved = true;
  CHECK(waiting.wait(20s) == 0);
  CHECK(machine.identity().enrolment().node == "pi-1");
  for (const auto& question : machine.desk.enrolments())
    CHECK(key_of(question) == key_of(machine.desk.enrolments().front()));
}

TEST_CASE("an answer that is lost is asked for again with the same key", "[enrol]") {
  Machine machine;
  machine.desk.answer_enrol([&](const nlohmann::json& question) {
    EnrolmentDesk::Reply reply = machine.desk.grant(question);
    reply.is_lost = true;
    return reply;
  });
  CHECK(machine.enrol().exit_code == 3);
  CHECK_FALSE(machine.identity().exists());
  machine.desk.answer_enrol({});
  REQUIRE(machine.enrol().exit_code == 0);
  REQUIRE(machine.desk.enrolments().size() == 2);
  CHECK(key_of(machine.desk.enrolments()[0]) == key_of(machine.desk.enrolments()[1]));
}

TEST_CASE("flags that contradict the identity are refused", "[enrol]") {
  Machine machine;
  REQUIRE(machine.enrol().exit_code == 0);
  machine.start_agent({"--node", "pi-9"});
  CHECK(machine.agent().wait(20s) == 2);
  CHECK_THAT(machine.log(), ContainsSubstring("--node 'pi-9' contradicts the identity"));
}

}  // namespace
}  // namespace hivemind::tests
