// Services that run once for an update, on a real engine.
#include <algorithm>
#include <chrono>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/fleet.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;

// Service 'app' as each commit says, with jobs that end with a code, after some milliseconds.
class Jobs {
 public:
  Jobs() {
    commit("1", "0", "0");
    fleet.start_hub();
    fleet.start_agent("a");
    fleet.converge();
    // A first release is told as good before its soak and its post are over.
    REQUIRE(wait_until(
        [&] {
          return is_alone() && stack().value("good_digest", "") != "" &&
                 stack().value("reason", "") == "none";
        },
        20s));
  }

  void commit(const std::string& version, const std::string& pre, const std::string& post) {
    const auto job = [&](const std::string& name, const std::string& arguments) {
      return "  " + name + ":\n    image: " + test_image() + "\n    command: job " + arguments +
             "\n    volumes: [\"log:/log\"]\n";
    };
    fleet.repository().write(
        "web.yml", "x-hivemind: {soak: 1s, pre: migrate, post: check}\nservices:\n  app:\n    image: " +
                       test_image() + "\n    stop_grace_period: 1s\n    environment: {VERSION: \"" + version +
                       "\"}\n" + job("migrate", pre) + job("check", post) + "volumes: {log: {}}\n");
    fleet.repository().write("stacks.yml", "stacks:\n" + stack_entry(fleet, "web")).commit();
  }

  // Its report; an empty object: there is none yet.
  nlohmann::json stack() const {
    const nlohmann::json node = fleet.node_state("a");
    const nlohmann::json& reports = node.at("stack_reports");
    return reports.empty() ? nlohmann::json::object() : reports.at(0);
  }
  std::string version() const { return fleet.engine().variable(fleet.container("web", "app"), "VERSION"); }
  bool is_alone() const {
    const auto containers = fleet.containers("a");
    return containers.size() == 1 && containers.contains(fleet.container("web", "app"));
  }
  // Of the container of that job; empty: there is none.
  std::string job_id(const std::string& service) const {
    for (const auto& [name, container] : fleet.containers("a")) {
      if (name.starts_with(fleet.stack("web") + "-" + service + "-")) return container.id;
    }
    return "";
  }

  Fleet fleet;
};

TEST_CASE("pre runs before an update, post after it, and neither leaves a container", "[jobs]") {
  Jobs it;
  it.commit("2", "0 1500", "0 1500");
  it.fleet.cli({"sync"});
  REQUIRE(wait_until([&] { return !it.job_id("migrate").empty(); }, 20s));
  CHECK(it.version() == "1");
  REQUIRE(wait_until([&] { return !it.job_id("check").empty(); }, 20s));
  CHECK(it.version() == "2");
  CHECK(wait_until([&] { return it.stack().value("reason", "") == "post_running"; }, 10s));
  it.fleet.converge();
  CHECK(wait_until([&] { return it.is_alone(); }, 20s));
  CHECK(wait_until([&] { return it.stack().value("reason", "") == "none"; }, 10s));
}

TEST_CASE("a pre that fails leaves all as it was, with its last words in the report", "[jobs]") {
  Jobs it;
  const auto before = it.fleet.containers("a");
  it.commit("2", "3", "0");
  it.fleet.cli({"sync"});
  REQUIRE(wait_until([&] { return it.stack().value("reason", "") == "pre_failed"; }, 30s));
  CHECK(wait_until([&] { return it.fleet.containers("a") == before; }, 10s));
  const nlohmann::json failed = it.stack().at("failed");
  CHECK(failed.at("service") == "migrate");
  CHECK(failed.at("exit_code") == 3);
  CHECK_THAT(failed.at("output").get<std::string>(), ContainsSubstring("job done, exit code 3"));
  CHECK(it.version() == "1");
}

TEST_CASE("a pre that runs when the agent is killed is waited for by the next one", "[jobs]") {
  Jobs it;
  it.commit("2", "0 4000", "0");
  it.fleet.cli({"sync"});
  REQUIRE(wait_until([&] { return !it.job_id("migrate").empty(); }, 20s));
  const std::string id = it.job_id("migrate");
  it.fleet.kill_agent("a");
  it.fleet.restart_agent("a");
  REQUIRE(wait_until([&] { return it.stack().value("reason", "") == "pre_running"; }, 10s));
  CHECK(it.job_id("migrate") == id);
  CHECK(wait_until([&] { return it.job_id("migrate") != id; }, 20s));
  it.fleet.converge();
  CHECK(it.version() == "2");
  CHECK(wait_until([&] { return it.is_alone(); }, 20s));
}

TEST_CASE("a post that fails takes nothing back, and is noticed", "[jobs]") {
  Jobs it;
  it.commit("2", "0", "4");
  it.fleet.converge();
  CHECK(wait_until([&] { return it.stack().contains("notices") && !it.stack().at("notices").empty(); }, 20s));
  CHECK(it.stack().at("notices").at(0).at("kind") == "post_failed");
  CHECK(it.version() == "2");
}

}  // namespace
}  // namespace hivemind::tests
