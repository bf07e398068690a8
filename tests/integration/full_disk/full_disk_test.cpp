#include "common/file.h"
#include "tests/support/catch.h"
#include "tests/support/fleet.h"
#include "tests/support/small_disk.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;
using namespace std::chrono_literals;
using tests::ContainsSubstring;

namespace {

// A hub with all the files that it makes: its own broker, TLS everywhere.
class Fixture {
 public:
  Fixture() {
    fleet.repository().write("stacks.yml", "stacks: []\n").commit();
    write_file_durably(directory / "small", "hunter2", 0600);
    write_file_durably(directory / "large", std::string(400'000, 'x'), 0600);
  }

  void start() { fleet.start_hub({.data_directory = disk.path() / "hub", .git_url = "", .is_secure = true}); }
  bool has_applied() const { return fleet.status().at("desired").at("state") == "applied"; }
  bool can_store() const { return fleet.status().at("store").at("ok"); }
  tests::Outcome set(const std::string& name, const std::string& file) const {
    return fleet.cli({"secret", "set", name, "--file", directory / file});
  }
  void check_that_it_serves_and_cannot_store() const {
    INFO(log());
    CHECK_FALSE(can_store());
    CHECK(has_applied());
    CHECK_THAT(fleet.cli({"secret", "ls"}).output, ContainsSubstring("small"));
    CHECK(set("large", "large").exit_code != 0);
  }
  std::string log() const { return read_file(fleet.directory() / "hub.log"); }

  tests::TemporaryDirectory directory;
  tests::SmallDisk disk{directory / "disk", "48m"};
  tests::Fleet fleet;
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a hub starts on a full disk, serves, says that it cannot store, and goes on") {
  if (!disk.mounted()) {
    WARN("no file system can be mounted here (run as root)");
    return;
  }
  start();
  REQUIRE(tests::wait_until([&] { return has_applied(); }, 20s));
  REQUIRE(set("small", "small").exit_code == 0);
  CHECK(can_store());
  fleet.stop_hub();
  disk.fill();
  start();  // not even room for the index of the database's log
  check_that_it_serves_and_cannot_store();

  fleet.kill_hub();
  disk.make_room();
  start();
  CHECK(can_store());
  disk.fill();
  CHECK_THAT(set("large", "large").errors, ContainsSubstring("disk is full"));
  CHECK_FALSE(can_store());
  CHECK_THAT(log(), ContainsSubstring("the data directory cannot be written"));
  for (const bool is_killed : {false, true}) {
    INFO("killed: " << is_killed);
    if (is_killed) fleet.kill_hub();
    if (!is_killed) fleet.stop_hub();
    disk.fill();  // the room that it has left at its end, too
    start();
    check_that_it_serves_and_cannot_store();
  }

  disk.make_room();
  CHECK(tests::wait_until([&] { return can_store(); }, 20s));
  CHECK_THAT(log(), ContainsSubstring("the data directory can be written again"));
  CHECK(set("large", "large").exit_code == 0);
  CHECK(fleet.hub_process().running());
}
