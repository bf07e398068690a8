#include <csignal>

#include <nlohmann/json.hpp>

#include "common/file.h"
#include "tests/support/catch.h"
#include "tests/support/git_repository.h"
#include "tests/support/process.h"
#include "tests/support/small_disk.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;
using namespace std::chrono_literals;
using nlohmann::json;
using tests::ContainsSubstring;

namespace {

// A hub with all the files that it makes: its own broker, TLS everywhere.
class Fixture {
 public:
  Fixture() {
    repository.write("stacks.yml", "stacks: []\n");
    repository.commit();
    write_file_durably(directory / "small", "hunter2", 0600);
    write_file_durably(directory / "large", std::string(400'000, 'x'), 0600);
  }

  void start() {
    hub.emplace(std::vector<std::string>{HUB_PROGRAM, "--git-url", repository.url(), "--data-dir",
                                         data.string(), "--listen", "127.0.0.1:" + port, "--tls", "on",
                                         "--broker-listen", "127.0.0.1:" + broker_port, "--broker-tls", "on"},
                tests::Process::Options{directory / "hub.log", {}});
    const bool is_up = tests::wait_until([&] { return is_connected(); }, 30s);
    INFO(log());
    REQUIRE(is_up);
  }
  void stop() {
    hub->signal(SIGTERM);
    REQUIRE(hub->wait(20s).has_value());
  }

  tests::Outcome cli(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {CLI_PROGRAM, "--hub", "https://127.0.0.1:" + port, "--token-file",
                                         (data / "admin.token").string()});
    return tests::run(arguments);
  }
  json status() const { return json::parse(cli({"--output", "json", "status"}).output, nullptr, false); }
  bool is_connected() const {
    const json told = status();
    return told.is_object() && told.contains("broker") && told["broker"]["connected"] == true;
  }
  bool can_store() const { return status().at("store").at("ok"); }
  tests::Outcome set(const std::string& name, const std::string& file) const {
    return cli({"secret", "set", name, "--file", directory / file});
  }
  void check_that_it_serves_and_cannot_store() const {
    INFO(log());
    CHECK_FALSE(can_store());
    CHECK(status().at("desired").at("state") == "applied");
    CHECK_THAT(cli({"secret", "ls"}).output, ContainsSubstring("small"));
    CHECK(set("large", "large").exit_code != 0);
  }
  std::string log() const { return read_file(directory / "hub.log"); }

  tests::TemporaryDirectory directory;
  tests::SmallDisk disk{directory / "disk", "48m"};
  std::filesystem::path data = disk.path() / "hub";
  tests::GitRepository repository{directory / "repository"};
  std::string port = std::to_string(tests::free_port());
  std::string broker_port = std::to_string(tests::free_port());
  std::optional<tests::Process> hub;
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a hub starts on a full disk, serves, says that it cannot store, and goes on") {
  if (!disk.mounted()) {
    WARN("no file system can be mounted here (run as root)");
    return;
  }
  start();
  REQUIRE(set("small", "small").exit_code == 0);
  CHECK(can_store());
  stop();
  disk.fill();
  start();  // not even room for the index of the database's log
  check_that_it_serves_and_cannot_store();

  hub->kill();
  disk.make_room();
  start();
  CHECK(can_store());
  disk.fill();
  CHECK_THAT(set("large", "large").errors, ContainsSubstring("disk is full"));
  CHECK_FALSE(can_store());
  CHECK_THAT(log(), ContainsSubstring("the data directory cannot be written"));
  for (const bool is_killed : {false, true}) {
    INFO("killed: " << is_killed);
    if (is_killed) hub->kill();
    if (!is_killed) stop();
    disk.fill();  // the room that it has left at its end, too
    start();
    check_that_it_serves_and_cannot_store();
  }

  disk.make_room();
  CHECK(tests::wait_until([&] { return can_store(); }, 20s));
  CHECK_THAT(log(), ContainsSubstring("the data directory can be written again"));
  CHECK(set("large", "large").exit_code == 0);
  CHECK(hub->running());
}
