// kill -9 of each process, in every order: no container is restarted, and all of it finds together again.
#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/fleet.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;

void commit_version(Fleet& fleet, const std::string& version) {
  fleet.repository().write("web.yml", compose({{"app", version}, {"db", "1"}}));
  fleet.repository().write("stacks.yml", "stacks:\n" + stack_entry(fleet, "web")).commit();
}

TEST_CASE("hub, broker and agent killed and restarted in every order restart no container", "[crash]") {
  Fleet fleet;
  commit_version(fleet, "0");
  fleet.start_hub();
  fleet.start_agent("a");
  fleet.converge();

  std::vector<std::string> order = {"agent", "broker", "hub"};
  int version = 0;
  do {
    CAPTURE(order);
    const auto before = fleet.containers("a");
    for (const std::string& part : order) {
      if (part == "agent") fleet.kill_agent("a");
      if (part == "broker") fleet.kill_broker();
      if (part == "hub") fleet.kill_hub();
    }
    // The broker is the hub's child: it comes back with it.
    for (const std::string& part : order) {
      if (part == "agent") fleet.restart_agent("a");
      if (part == "hub") fleet.start_hub();
    }
    fleet.converge();
    CHECK(fleet.containers("a") == before);

    commit_version(fleet, std::to_string(++version));
    fleet.converge();
    CHECK(fleet.engine().variable(fleet.container("web", "app"), "VERSION") == std::to_string(version));
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("a broker that is killed alone comes back and the fleet goes on", "[crash]") {
  Fleet fleet;
  commit_version(fleet, "1");
  fleet.start_hub();
  fleet.start_agent("a");
  fleet.converge();
  const auto before = fleet.containers("a");
  const auto pid = fleet.broker_pid();
  REQUIRE(pid);

  fleet.kill_broker();
  CHECK(
      wait_until([&] { return fleet.broker_pid() && fleet.broker_pid() != pid && fleet.hub_ready(); }, 20s));
  fleet.converge();
  CHECK(fleet.containers("a") == before);
}

TEST_CASE("a commit made while a node is away reaches it when it returns", "[crash]") {
  Fleet fleet;
  commit_version(fleet, "1");
  fleet.start_hub();
  fleet.start_agent("a");
  fleet.converge();

  fleet.kill_agent("a");
  REQUIRE(wait_until([&] { return !fleet.node_state("a").at("online").get<bool>(); }, 120s));
  commit_version(fleet, "2");
  CHECK(fleet.sync().exit_code == 0);  // no node that is online is behind
  CHECK(fleet.engine().variable(fleet.container("web", "app"), "VERSION") == "1");

  fleet.restart_agent("a");
  fleet.converge();
  CHECK(fleet.engine().variable(fleet.container("web", "app"), "VERSION") == "2");
}

TEST_CASE("a hub that is restarted publishes nothing that the nodes have", "[crash]") {
  Fleet fleet;
  commit_version(fleet, "1");
  fleet.start_hub();
  fleet.start_agent("a");
  fleet.converge();
  const auto generation = fleet.node_state("a").at("desired").at("generation").get<int>();
  const auto events = fleet.api().get("/api/v1/events?limit=1").at("last");

  fleet.stop_hub();
  fleet.start_hub();
  fleet.converge();
  CHECK(fleet.node_state("a").at("desired").at("generation") == generation);
  const auto told = fleet.api().get("/api/v1/events?after=" + events.dump());
  for (const auto& event : told.at("events")) CHECK(event.at("kind") != "manifest_accepted");
}

TEST_CASE("a node without hub and broker brings its last releases back", "[crash]") {
  Fleet fleet;
  commit_version(fleet, "1");
  fleet.start_hub();
  fleet.start_agent("a");
  fleet.converge();
  fleet.kill_agent("a");
  fleet.kill_hub();
  fleet.kill_broker();
  fleet.engine().remove(fleet.container("web", "app"));

  fleet.restart_agent("a");
  CHECK(wait_until([&] { return fleet.containers("a").contains(fleet.container("web", "app")); }, 20s));
  const Outcome status = run(
      {std::string(HIVEMIND_BIN) + "/hivemind-agent", "status", "--data-dir", fleet.directory() / "agent-a"});
  CHECK(status.exit_code == 0);
  CHECK_THAT(status.output, ContainsSubstring(fleet.stack("web")));
}

}  // namespace
}  // namespace hivemind::tests
