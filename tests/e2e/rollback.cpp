// A release that fails on a node gives way to the one before it, by what the node itself has.
#include <chrono>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/fleet.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// Service 'app' as each commit says, and 'db' always the same. A good release keeps being watched for 2 s.
class Rollback {
 public:
  Rollback() {
    commit("1");
    fleet.start_hub();
    fleet.start_agent("a");
    fleet.converge();
    REQUIRE(wait_until([&] { return stack().value("good_digest", "") != ""; }, 20s));
    good = fleet.containers("a");
  }

  void commit(const std::string& version, const std::string& more = "") {
    fleet.repository().write(
        "web.yml", "x-hivemind: {soak: " + soak + "}\nservices:\n  app:\n    image: " + test_image() +
                       "\n    stop_grace_period: 1s\n    environment:\n      VERSION: \"" + version + "\"\n" +
                       more + "  db:\n    image: " + test_image() + "\n");
    fleet.repository().write("stacks.yml", "stacks:\n" + stack_entry(fleet, "web")).commit();
  }

  nlohmann::json stack() const {
    const nlohmann::json node = fleet.node_state("a");
    const nlohmann::json& stacks = node.at("stack_reports");
    return stacks.empty() ? nlohmann::json::object() : stacks.at(0);
  }
  std::string app() const { return fleet.container("web", "app"); }
  bool is_rolled_back() const { return stack().value("state", "") == "rolled_back"; }
  // The same containers, and no others, all of them running.
  bool runs_good() const {
    const auto now = fleet.containers("a");
    if (now.size() != good.size()) return false;
    for (const auto& [name, before] : good) {
      const auto found = now.find(name);
      if (found == now.end() || found->second.id != before.id || found->second.state != "running")
        return false;
    }
    return true;
  }
  void fails_over(const std::string& reason) {
    fleet.cli({"sync"});
    INFO(fleet.logs());
    REQUIRE(wait_until([&] { return is_rolled_back() && runs_good(); }, 30s));
    CHECK(stack().at("reason") == "rolled_back");
    const nlohmann::json failed = stack().at("failed");
    CHECK(failed.at("service") == "app");
    CHECK(failed.at("reason") == reason);
    CHECK(failed.at("restored") == true);
    CHECK(fleet.containers("a").at(fleet.container("web", "db")) == good.at(fleet.container("web", "db")));
    CHECK(fleet.node_state("a").at("applied").at("generation") <
          fleet.node_state("a").at("received").at("generation"));
  }

  Fleet fleet;
  std::string soak = "2s";  // of what is committed
  std::map<std::string, EngineClient::Running> good;
};

TEST_CASE("a release that fails gives way to the containers of the one before", "[rollback]") {
  Rollback it;
  SECTION("when it ends at once") {
    it.commit("2", "    command: [job, \"3\"]\n");
    it.fails_over("exited");
    const nlohmann::json failed = it.stack().at("failed");
    CHECK(failed.at("exit_code") == 3);
    CHECK(failed.at("output") != "");
  }
  SECTION("when it ends later on, and the engine restarts it") {
    it.commit("2", "    command: [job, \"3\", \"800\"]\n    restart: always\n");
    it.fails_over("exited");
  }
  SECTION("when it becomes unhealthy") {
    it.commit("2",
              "      HEALTHY_AFTER_MS: \"-1\"\n"
              "    healthcheck: {test: [CMD, /app, healthcheck], interval: 300ms, retries: 2}\n");
    it.fails_over("unhealthy");
  }
  SECTION("when it cannot be started") {
    it.commit("2", "    entrypoint: [/no/such/program]\n");
    it.fails_over("start_failed");
  }
}

TEST_CASE("a release that failed is not tried again until somebody says so", "[rollback]") {
  Rollback it;
  it.commit("2", "    command: [job, \"3\"]\n");
  it.fails_over("exited");
  const auto before = it.fleet.containers("a");

  SECTION("also when the agent starts again") {
    it.fleet.kill_agent("a");
    it.fleet.restart_agent("a");
    CHECK_FALSE(wait_until([&] { return it.fleet.containers("a") != before; }, 3s));
    CHECK(it.is_rolled_back());
  }
  SECTION("and what runs in its place is healed meanwhile") {
    it.fleet.engine().remove(it.app());
    CHECK(wait_until(
        [&] {
          const auto now = it.fleet.containers("a");
          return now.size() == 2 && now.contains(it.app()) && now.at(it.app()).state == "running";
        },
        10s));
    CHECK(it.fleet.engine().variable(it.app(), "VERSION") == "1");
    CHECK(it.is_rolled_back());
  }
  SECTION("but another release is") {
    it.commit("3");
    it.fleet.converge();
    CHECK(it.fleet.engine().variable(it.app(), "VERSION") == "3");
    CHECK(it.fleet.containers("a").size() == 2);
  }
  SECTION("and nothing is left when the stack goes") {
    it.fleet.repository().write("other.yml", compose({{"x", "1"}}));
    it.fleet.repository().write("stacks.yml", "stacks:\n" + stack_entry(it.fleet, "other")).commit();
    it.fleet.converge();
    CHECK(it.fleet.containers("a").size() == 1);
    CHECK_FALSE(it.fleet.engine().network_exists(it.fleet.stack("web") + "_default"));
  }
}

TEST_CASE("the good containers are kept until a release has lasted, and go then", "[rollback]") {
  Rollback it;
  it.soak = "10s";
  it.commit("2");
  it.fleet.cli({"sync"});
  REQUIRE(wait_until([&] { return it.stack().value("reason", "") == "soaking"; }, 20s));
  CHECK(it.fleet.containers("a").size() == 3);
  CHECK(it.fleet.engine().variable(it.app(), "VERSION") == "2");
  CHECK(it.fleet.node_state("a").at("applied") != it.fleet.node_state("a").at("received"));
  it.fleet.converge();
  CHECK(wait_until([&] { return it.fleet.containers("a").size() == 2; }, 5s));
}

TEST_CASE("an agent that is killed in the middle of an update goes on with it", "[rollback]") {
  Rollback it;
  it.commit("2");
  it.fleet.cli({"sync"});
  REQUIRE(wait_until([&] { return it.stack().value("reason", "") == "soaking"; }, 20s));
  const auto during = it.fleet.containers("a");
  it.fleet.kill_agent("a");
  it.fleet.restart_agent("a");
  it.fleet.converge();
  CHECK(it.fleet.containers("a").at(it.app()) == during.at(it.app()));
  CHECK(wait_until([&] { return it.fleet.containers("a").size() == 2; }, 5s));
}

}  // namespace
}  // namespace hivemind::tests
