// What the agent asks of the engine, counted on the way; and an engine that is not there or talks nonsense.
#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <signal.h>

#include "tests/support/catch.h"
#include "tests/support/engine_proxy.h"
#include "tests/support/fleet.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;

// A fleet whose agent 'a' talks to the engine through a proxy.
class ProxiedFleet {
 public:
  ProxiedFleet() : proxy_(fleet_.directory() / "engine.sock", EngineClient::url()) {
    commit(compose({{"app", "1"}, {"db", "1"}}));
    fleet_.start_hub();
    fleet_.start_agent("a", {.labels = {}, .data_directory = {}, .engine_url = proxy_.docker_host()});
    fleet_.converge();
  }

  void commit(const std::string& file, const std::string& more = "") {
    fleet_.repository().write("web.yml", file);
    fleet_.repository().write("stacks.yml", "stacks:\n" + stack_entry(fleet_, "web", more)).commit();
  }
  std::string version() const { return fleet_.engine().variable(fleet_.container("web", "app"), "VERSION"); }

  Fleet& fleet() { return fleet_; }
  EngineProxy& proxy() { return proxy_; }

 private:
  Fleet fleet_;
  EngineProxy proxy_;
};

TEST_CASE("an unchanged manifest makes no write to the engine", "[engine]") {
  ProxiedFleet it;
  Fleet& fleet = it.fleet();
  CHECK_FALSE(it.proxy().writes().empty());  // it does see what is written
  const auto before = fleet.containers("a");
  const auto generation = fleet.node_state("a").at("applied").at("generation").get<int>();
  it.proxy().clear();

  SECTION("when the agent starts again") {
    fleet.kill_agent("a");
    fleet.restart_agent("a");
    fleet.converge();
    CHECK_FALSE(it.proxy().requests().empty());  // it did look
  }
  SECTION("when hub and broker start again") {
    fleet.kill_hub();
    fleet.kill_broker();
    fleet.start_hub();
    fleet.converge();
    CHECK(fleet.node_state("a").at("desired").at("generation") == generation);
  }
  SECTION("when a commit changes nothing that a container is made of") {
    it.commit("# a remark\n" + compose({{"app", "1"}, {"db", "1"}}));
    fleet.converge();
  }
  SECTION("when a new manifest asks for the same containers") {
    it.commit(compose({{"app", "1"}, {"db", "1"}}) + "    pull_policy: never\n");
    fleet.converge();
    CHECK(fleet.node_state("a").at("applied").at("generation") > generation);
  }
  CHECK(it.proxy().writes() == std::vector<std::string>{});
  CHECK(fleet.containers("a") == before);
}

TEST_CASE("one changed service is written, and no other", "[engine]") {
  ProxiedFleet it;
  it.proxy().clear();
  it.commit(compose({{"app", "2"}, {"db", "1"}}));
  it.fleet().converge();
  CHECK(it.version() == "2");
  int creates = 0;
  for (const std::string& write : it.proxy().writes()) {
    CAPTURE(write);
    CHECK(write.find("-db-") == std::string::npos);
    if (write.find("/containers/create") != std::string::npos) ++creates;
  }
  CHECK(creates == 1);
}

TEST_CASE("an engine that goes down is told, and the commit of that time runs once it is back", "[engine]") {
  ProxiedFleet it;
  Fleet& fleet = it.fleet();
  const auto before = fleet.containers("a");
  it.proxy().refuse();
  REQUIRE(wait_until([&] { return fleet.node_state("a").at("reason") == "engine_down"; }, 20s));
  it.commit(compose({{"app", "2"}, {"db", "1"}}));
  fleet.cli({"sync"});
  CHECK(fleet.containers("a") == before);

  // It started while the engine was away, too.
  fleet.kill_agent("a");
  fleet.restart_agent("a");
  CHECK_FALSE(wait_until([&] { return !fleet.agent_process("a").running(); }, 1s));

  it.proxy().accept();
  CHECK(wait_until([&] { return fleet.converged("a"); }, 60s));
  CHECK(it.version() == "2");
}

TEST_CASE("an engine that answers garbage harms nothing and is believed again when it makes sense",
          "[engine]") {
  ProxiedFleet it;
  Fleet& fleet = it.fleet();
  const auto before = fleet.containers("a");
  const std::string kind = GENERATE(std::string("garbage"), std::string("broken json"),
                                    std::string("truncated"), std::string("500"));
  CAPTURE(kind);
  if (kind == "garbage") it.proxy().intercept(EngineProxy::garbage());
  if (kind == "broken json") it.proxy().intercept(EngineProxy::broken_json());
  if (kind == "truncated") it.proxy().intercept(EngineProxy::truncated());
  if (kind == "500") it.proxy().intercept(EngineProxy::status(500, "out of order"));
  it.commit(compose({{"app", "2"}, {"db", "1"}}));
  fleet.cli({"sync"});
  CHECK(wait_until([&] { return fleet.node_state("a").at("state") != "converged"; }, 20s));
  CHECK(fleet.containers("a") == before);
  CHECK(fleet.agent_process("a").running());

  it.proxy().intercept(nullptr);
  CHECK(wait_until([&] { return fleet.converged("a"); }, 60s));
  CHECK(it.version() == "2");
}

TEST_CASE("an image that cannot be pulled is told, leaves the old container alone, and the agent goes on",
          "[engine]") {
  ProxiedFleet it;
  Fleet& fleet = it.fleet();
  const auto before = fleet.containers("a");
  std::string absent = compose({{"app", "2"}, {"db", "1"}});
  absent.replace(absent.find(test_image()), test_image().size(), "127.0.0.1:1/absent:1");
  it.commit(absent);
  fleet.cli({"sync"});
  CHECK(wait_until([&] { return fleet.node_state("a").at("reason") == "pull_failed"; }, 30s));
  CHECK_FALSE(wait_until([&] { return !fleet.agent_process("a").running(); }, 3s));  // tries again meanwhile
  CHECK(fleet.containers("a") == before);

  // However long the node takes to look at it: what became of the commit before is not told as its own.
  it.proxy().delay(50ms);
  it.commit(compose({{"app", "3"}, {"db", "1"}}));
  fleet.converge();
  CHECK(it.version() == "3");
}

TEST_CASE("killed at any write of an update, the agent ends in the same state", "[engine_kill]") {
  ProxiedFleet it;
  Fleet& fleet = it.fleet();
  const auto expected = [&](const std::string& version) {
    const auto now = fleet.containers("a");
    return now.size() == 2 && it.version() == version &&
           now.at(fleet.container("web", "app")).state == "running" &&
           now.at(fleet.container("web", "db")).state == "running";
  };
  // The n-th write is not passed on and the agent is killed while it waits for the answer; until an update
  // has fewer writes.
  int version = 1;
  bool reached = true;
  for (int n = 1; reached && n < 30; ++n) {
    CAPTURE(n);
    std::atomic<int> writes{0};
    std::atomic<bool> killed{false};
    Process& agent = fleet.agent_process("a");
    it.proxy().intercept([&](const EngineRequest& request) -> std::optional<std::string> {
      if (!request.is_write() || ++writes != n) return std::nullopt;
      agent.signal(SIGKILL);
      killed = true;
      return "";
    });
    it.commit(compose({{"app", std::to_string(++version)}, {"db", "1"}}));
    fleet.cli({"sync"});
    wait_until([&] { return killed || fleet.converged("a"); }, 30s);
    it.proxy().intercept(nullptr);
    reached = killed;
    if (killed) {
      agent.wait(5s);
      fleet.restart_agent("a");
    }
    fleet.converge();
    CHECK(expected(std::to_string(version)));
  }
  CHECK_FALSE(reached);  // the last update had no n-th write: all of them were tried
}

}  // namespace
}  // namespace hivemind::tests
