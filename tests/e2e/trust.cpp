// The signing key changes, and a hub comes back from a backup.
#include <algorithm>
#include <chrono>

#include "tests/support/catch.h"
#include "tests/support/fleet.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;

void commit_version(Fleet& fleet, const std::string& version) {
  fleet.repository().write("web.yml", compose({{"app", version}}));
  fleet.repository().write("stacks.yml", "stacks:\n" + stack_entry(fleet, "web")).commit();
}

std::string running_version(const Fleet& fleet, const std::string& name) {
  for (const auto& [container, state] : fleet.containers(name))
    return fleet.engine().variable(container, "VERSION");
  return "";
}

std::string trusted_by(const Fleet& fleet) {
  return fleet.api().get("/api/v1/trust").at("nodes").dump();
}

// Its node has said that the revision runs.
bool is_told(const Fleet& fleet, const std::string& revision) {
  const auto events = fleet.api().get("/api/v1/events?limit=1000");
  return std::ranges::any_of(events.at("events"), [&](const auto& event) {
    return event.at("kind") == "stack_running" && event.at("revision") == revision;
  });
}

TEST_CASE("a rotation touches no container, reaches nodes that were away, and survives restarts", "[trust]") {
  Fleet fleet;
  commit_version(fleet, "1");
  fleet.start_hub();
  fleet.start_agent("a");
  fleet.converge();
  const auto before = fleet.containers("a");
  fleet.stop_agent("a");
  for (int rotation = 0; rotation < 2; ++rotation) {
    const Outcome rotated = fleet.cli({"trust", "rotate"});
    INFO(rotated.errors);
    REQUIRE(rotated.exit_code == 0);
  }
  fleet.restart_agent("a");
  CHECK(wait_until([&] { return fleet.converged("a"); }, 20s));
  CHECK(wait_until([&] { return trusted_by(fleet) == R"({"following":1,"others":[]})"; }, 20s));
  CHECK(fleet.containers("a") == before);

  fleet.kill_hub();
  fleet.start_hub();
  fleet.kill_agent("a");
  fleet.restart_agent("a");
  commit_version(fleet, "2");
  fleet.converge();
  CHECK(fleet.containers("a") != before);
  const Outcome shown = fleet.cli({"trust", "show"});
  INFO(fleet.logs());
  CHECK(shown.exit_code == 0);
  CHECK(shown.output.find("1 follow\n") != std::string::npos);
}

TEST_CASE("a hub that comes back from a backup changes nothing until it is let go on", "[trust]") {
  Fleet fleet;
  commit_version(fleet, "1");
  fleet.start_hub();
  fleet.start_agent("a");
  fleet.converge();
  fleet.stop_hub();
  const auto backup = fleet.directory() / "backup";
  std::filesystem::copy(fleet.hub_data(), backup, std::filesystem::copy_options::recursive);
  fleet.start_hub();
  for (const char* version : {"2", "3"}) {
    commit_version(fleet, version);
    fleet.converge();
  }
  const auto before = fleet.containers("a");
  fleet.stop_hub();
  std::filesystem::remove_all(fleet.hub_data());
  std::filesystem::copy(backup, fleet.hub_data(), std::filesystem::copy_options::recursive);

  fleet.start_hub();  // with the messages of then, too: only the node knows better
  const bool held = wait_until([&] { return fleet.status().at("trust").at("held").get<bool>(); }, 20s);
  INFO(fleet.logs());
  REQUIRE(held);
  CHECK(fleet.cli({"status"}).exit_code == 1);
  CHECK(fleet.sync().exit_code == 1);
  fleet.kill_hub();
  fleet.start_hub();
  CHECK(fleet.cli({"--output", "json", "status"}).output.find("hivemind trust resume") != std::string::npos);
  CHECK(fleet.containers("a") == before);

  const Outcome resumed = fleet.cli({"trust", "resume"});
  INFO(resumed.output + resumed.errors);
  CHECK(resumed.exit_code == 0);
  fleet.converge();
  CHECK(fleet.containers("a") == before);
  commit_version(fleet, "4");
  fleet.converge();
  CHECK(running_version(fleet, "a") == "4");
  CHECK(wait_until([&] { return is_told(fleet, fleet.repository().head()); }, 20s));
}

}  // namespace
}  // namespace hivemind::tests
