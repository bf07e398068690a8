#include "agent/membership.h"

#include "common/envelope.h"
#include "common/error.h"
#include "common/file.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

namespace hivemind::agent {
namespace {

using std::chrono::sys_seconds;
using tests::ContainsSubstring;

struct Machine {
  tests::TemporaryDirectory data;
  IdentityDirectory directory{data.path()};
  SigningKey hub_key = SigningKey::generate();

  Machine() { write_file_durably(data / "hub.pub", hub_key.verify_key().text() + "\n", 0644); }

  void enrol() const {
    const x509::PrivateKey ca_key = x509::PrivateKey::generate();
    const sys_seconds until{std::chrono::seconds(2'000'000'000)};
    const auto ca = x509::self_sign(ca_key, {"hub", x509::Purpose::kAuthority, {}, {}, until});
    const auto keys = directory.pending_keys({std::string(64, 'a'), "id", "secret"});
    const auto chain =
        x509::issue(ca, ca_key, keys.key.public_key(), {"pi-1", x509::Purpose::kClient, {}, {}, until});
    directory.establish({{"pi-1", "https://hub:7373", "mqtts://hub:8883"},
                         {keys.key, chain.pem(), 1'796'000'000, 1'796'000'000},
                         ca.anchor_pem(),
                         hub_key.verify_key().text() + "\n"});
  }
};

Options options() {
  Options made;
  made.keep_alive_s = 30;
  return made;
}

std::string refused(const Machine& machine, const Options& options) {
  try {
    membership_of(options, machine.directory);
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kInvalid);
    return error.what();
  }
  return "taken";
}

TEST_CASE("an enrolled node needs no flags") {
  const Machine machine;
  machine.enrol();
  const Membership membership = membership_of(options(), machine.directory);
  CHECK(membership.is_enrolled);
  CHECK(membership.identity.node == "pi-1");
  CHECK(membership.identity.hub_key == machine.hub_key.verify_key());
  CHECK(membership.broker.url == "mqtts://hub:8883");
  CHECK(membership.broker.ca_file == machine.directory.ca_file());
  CHECK(membership.broker.client_file == machine.directory.client_file());
}

TEST_CASE("flags that contradict an enrolment are refused, each by its name") {
  const Machine machine;
  machine.enrol();
  Options asked = options();
  asked.hub_key = machine.data / "hub.pub";
  CHECK_THAT(refused(machine, asked), ContainsSubstring("--hub-key contradicts"));
  asked = options();
  asked.broker_ca = machine.data / "hub.pub";
  CHECK_THAT(refused(machine, asked), ContainsSubstring("--broker-ca contradicts"));
  asked = options();
  asked.node = "pi-2";
  CHECK_THAT(refused(machine, asked), ContainsSubstring("--node 'pi-2'") && ContainsSubstring("'pi-1'"));
  asked = options();
  asked.broker = "mqtt://hub:1883";
  CHECK_THAT(refused(machine, asked), ContainsSubstring("TLS"));
}

TEST_CASE("flags that say the same, or where the broker is now, are taken") {
  const Machine machine;
  machine.enrol();
  Options asked = options();
  asked.node = "pi-1";
  asked.broker = "mqtts://10.0.0.7:8883";
  const Membership membership = membership_of(asked, machine.directory);
  CHECK(membership.broker.url == "mqtts://10.0.0.7:8883");
  CHECK(membership.broker.client_file == machine.directory.client_file());
}

TEST_CASE("without an enrolment flags say who the node is") {
  const Machine machine;
  Options asked = options();
  CHECK_THAT(refused(machine, asked), ContainsSubstring("not enrolled") && ContainsSubstring("enroll --hub"));
  asked.hub_key = machine.data / "hub.pub";
  asked.node = "pi-1";
  const Membership membership = membership_of(asked, machine.directory);
  CHECK_FALSE(membership.is_enrolled);
  CHECK(membership.broker.url == "mqtt://127.0.0.1:1883");
  CHECK(membership.broker.client_file.empty());
}

}  // namespace
}  // namespace hivemind::agent
