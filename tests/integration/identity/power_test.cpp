// kill -9 and power cuts at every call that changes something of the identity.
#include <iostream>
#include <set>

#include "common/file.h"
#include "tests/crash/disk_image.h"
#include "tests/integration/identity/machine.h"
#include "tests/support/catch.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

std::string key_of(const nlohmann::json& question) {
  return x509::Request::parse(question.at("csr").get<std::string>()).public_key().fingerprint();
}

// Throws where what is there is not whole.
void require_whole(const agent::IdentityDirectory& identity) {
  identity.enrolment();
  identity.credential();
  identity.ca();
  CHECK_NOTHROW(OpenKey::load(identity.sealing_key_file()));
  CHECK_FALSE(read_file(identity.hub_key_file()).empty());
}

std::set<std::string> keys_of(const std::vector<nlohmann::json>& questions, std::size_t from) {
  std::set<std::string> keys;
  for (std::size_t i = from; i < questions.size(); ++i) keys.insert(key_of(questions[i]));
  return keys;
}

struct Where {
  DiskImage* disk = nullptr;  // none: killed, and the kernel writes what it has
};

void put_back(Machine& machine, const Where& where) {
  if (where.disk != nullptr) {
    where.disk->restore();
  } else {
    fs::remove_all(machine.data);
    if (fs::exists(machine.directory / "base"))
      fs::copy(machine.directory / "base", machine.data, fs::copy_options::recursive);
  }
}

void keep(Machine& machine, const Where& where) {
  if (where.disk != nullptr) {
    where.disk->save();
  } else if (fs::exists(machine.data)) {
    fs::copy(machine.data, machine.directory / "base", fs::copy_options::recursive);
  }
}

bool enrol_killed_at(Machine& machine, const Where& where, std::uint64_t n, bool has_identity) {
  CAPTURE(n);
  put_back(machine, where);
  const std::size_t asked = machine.desk.enrolments().size();
  machine.kill_at(n);
  machine.enrol({"--force"});
  const bool killed = machine.was_killed();
  machine.kill_at(0);
  if (killed && where.disk != nullptr) where.disk->cut();
  const bool was_asked = machine.desk.enrolments().size() > asked;
  machine.identity().recover();
  if (has_identity) CHECK(machine.identity().exists());
  if (machine.identity().exists()) {
    REQUIRE_NOTHROW(require_whole(machine.identity()));
  } else {
    const Outcome again = machine.enrol();
    INFO(again.errors);
    REQUIRE(again.exit_code == 0);
    REQUIRE_NOTHROW(require_whole(machine.identity()));
    // Whoever was asked knew this key already, so that a token for one node makes one node.
    if (was_asked) CHECK(keys_of(machine.desk.enrolments(), asked).size() == 1);
  }
  CHECK_FALSE(fs::exists(machine.data / "identity.old"));
  return killed;
}

void enrol_at_every_boundary(const Where& where, bool has_identity) {
  Machine machine;
  if (where.disk != nullptr) machine.data = where.disk->directory() / "agent";
  if (where.disk != nullptr) where.disk->format();
  if (has_identity) REQUIRE(machine.enrol().exit_code == 0);
  keep(machine, where);
  std::uint64_t n = 1;
  while (enrol_killed_at(machine, where, n, has_identity)) ++n;
  std::cout << (has_identity ? "enrolled anew" : "enrolled")
            << (where.disk != nullptr ? ", power cut: " : ", killed: ") << n - 1 << " boundaries\n";
  CHECK(n > 15);
}

bool renewal_killed_at(Machine& machine, const Where& where, std::uint64_t n) {
  CAPTURE(n);
  put_back(machine, where);
  const std::string before = read_file(machine.identity().client_file());
  const std::size_t asked = machine.desk.renewals().size();
  machine.kill_at(n);
  machine.start_agent();
  const auto is_renewed = [&] { return read_file(machine.identity().client_file()) != before; };
  CHECK(wait_until([&] { return machine.was_killed() || machine.says("certificate_renewed", 0s); }, 20s));
  machine.agent().kill();
  const bool killed = machine.was_killed();
  machine.kill_at(0);
  fs::remove(machine.directory / "agent.log");
  if (killed && where.disk != nullptr) where.disk->cut();
  REQUIRE_NOTHROW(require_whole(machine.identity()));
  machine.start_agent();
  CHECK(wait_until([&] { return is_renewed() && !fs::exists(machine.identity().path() / "renewal.pem"); },
                   20s));
  INFO(machine.log());
  machine.agent().kill();
  fs::remove(machine.directory / "agent.log");
  REQUIRE_NOTHROW(require_whole(machine.identity()));
  // What the hub was asked first is what it was asked for again.
  CHECK(keys_of(machine.desk.renewals(), asked).size() == 1);
  return killed;
}

void renew_at_every_boundary(const Where& where) {
  Machine machine;
  if (where.disk != nullptr) {
    where.disk->format();
    machine.data = where.disk->directory() / "agent";
  }
  machine.desk.set_life(2s);
  REQUIRE(machine.enrol().exit_code == 0);
  CHECK(wait_until([&] { return machine.identity().credential().life().received_at_s + 2 < ::time(nullptr); },
                   10s));
  machine.desk.set_life(3'600s);
  keep(machine, where);
  std::uint64_t n = 1;
  while (renewal_killed_at(machine, where, n)) ++n;
  std::cout << "renewed" << (where.disk != nullptr ? ", power cut: " : ", killed: ") << n - 1
            << " boundaries\n";
  CHECK(n > 8);
}

TEST_CASE("killed at any point of an enrolment, a machine has no identity or a whole one", "[power]") {
  enrol_at_every_boundary({}, false);
}

TEST_CASE("killed while it is enrolled anew, a machine has its old identity or the next", "[power]") {
  enrol_at_every_boundary({}, true);
}

TEST_CASE("killed at any point of a renewal, a node renews with the key that the hub has seen", "[power]") {
  renew_at_every_boundary({});
}

TEST_CASE("a power cut at any point of an enrolment or a renewal leaves a whole identity or none",
          "[power]") {
  TemporaryDirectory directory;
  DiskImage disk(directory.path());
  disk.format();
  if (!disk.mounted()) {
    WARN("no file system can be mounted here");
    return;
  }
  enrol_at_every_boundary({&disk}, false);
  enrol_at_every_boundary({&disk}, true);
  renew_at_every_boundary({&disk});
}

}  // namespace
}  // namespace hivemind::tests
