// A disk that is full under either data directory: told, survived, and gone on from when there is room again.
#include <chrono>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/fleet.h"
#include "tests/support/small_disk.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;

void commit_version(Fleet& fleet, const std::string& version) {
  fleet.repository().write("web.yml", compose({{"app", version}}));
  fleet.repository().write("stacks.yml", "stacks:\n" + stack_entry(fleet, "web")).commit();
}

std::string version_of(const Fleet& fleet) {
  return fleet.engine().variable(fleet.container("web", "app"), "VERSION");
}

TEST_CASE("a full disk under the hub is told and changes no node", "[full_disk]") {
  Fleet fleet;
  SmallDisk disk(fleet.directory() / "hub-disk", "48m");
  if (!disk.mounted()) {
    WARN("no file system can be mounted here (run as root)");
    return;
  }
  commit_version(fleet, "1");
  fleet.start_hub({.data_directory = disk.path() / "hub", .git_url = {}});
  fleet.start_agent("a");
  fleet.converge();
  const auto before = fleet.containers("a");

  disk.fill();
  commit_version(fleet, "2");
  const Outcome sync = fleet.sync();
  CHECK(sync.exit_code != 0);
  CHECK(fleet.hub_process().running());
  CHECK(BlockingHttp(fleet.hub_url()).send("GET", "/healthz").status == 200);
  CHECK(fleet.cli({"status"}).exit_code == 1);
  CHECK(fleet.containers("a") == before);

  disk.make_room();
  fleet.converge();
  CHECK(version_of(fleet) == "2");
}

TEST_CASE("a full disk under the agent is told, and nothing that runs is lost", "[full_disk]") {
  Fleet fleet;
  SmallDisk disk(fleet.directory() / "agent-disk", "16m");
  if (!disk.mounted()) {
    WARN("no file system can be mounted here (run as root)");
    return;
  }
  commit_version(fleet, "1");
  fleet.start_hub();
  fleet.start_agent("a", {.labels = {}, .data_directory = disk.path() / "agent", .engine_url = {}});
  fleet.converge();

  disk.fill();
  commit_version(fleet, "2");
  fleet.cli({"sync"});
  // It either goes on without its store, or says why not; it never claims what it has not kept.
  const auto told = [&] {
    const auto reason = fleet.node_state("a").at("reason");
    return reason == "store_failed" || reason == "disk_short" || version_of(fleet) == "2";
  };
  const bool is_told = wait_until(told, 20s);
  INFO(fleet.node_state("a").dump(2) + fleet.logs());
  CHECK(is_told);
  CHECK(fleet.agent_process("a").running());
  CHECK(fleet.containers("a").at(fleet.container("web", "app")).state == "running");

  disk.make_room();
  CHECK(wait_until([&] { return fleet.converged("a"); }, 60s));
  CHECK(version_of(fleet) == "2");

  fleet.kill_agent("a");
  const auto before = fleet.containers("a");
  fleet.restart_agent("a");
  fleet.converge();
  CHECK(fleet.containers("a") == before);
}

}  // namespace
}  // namespace hivemind::tests
