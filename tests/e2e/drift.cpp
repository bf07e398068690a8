// What is changed by hand on a node is put right on the engine's event.
#include <algorithm>
#include <chrono>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/fleet.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;

TEST_CASE("what is changed by hand is healed within two seconds", "[drift]") {
  Fleet fleet;
  fleet.repository().write("web.yml", compose({{"app", "1"}, {"db", "1"}}));
  fleet.repository().write("stacks.yml", "stacks:\n" + stack_entry(fleet, "web")).commit();
  fleet.start_hub();
  fleet.start_agent("a");
  fleet.converge();
  const std::string app = fleet.container("web", "app");
  const std::string db = fleet.container("web", "db");
  const auto before = fleet.containers("a");
  const EngineClient& engine = fleet.engine();

  const auto healed = [&] {
    const auto now = fleet.containers("a");
    return now.size() == 2 && now.contains(app) && now.at(app).state == "running" &&
           now.at(db) == before.at(db);
  };
  SECTION("removed") {
    engine.remove(app);
    CHECK(wait_until([&] { return healed() && fleet.containers("a").at(app).id != before.at(app).id; }, 10s));
  }
  SECTION("removed again and again") {
    auto fastest = std::chrono::steady_clock::duration::max();
    for (int i = 0; i < 3; ++i) {
      CAPTURE(i);
      const std::string id = fleet.containers("a").at(app).id;
      engine.remove(app);
      const auto removed = std::chrono::steady_clock::now();
      REQUIRE(wait_until([&] { return healed() && fleet.containers("a").at(app).id != id; }, 15s));
      fastest = std::min(fastest, std::chrono::steady_clock::now() - removed);
    }
    CHECK(fastest < 2s);  // of three: the machine may be busy with something else
  }
  SECTION("stopped") {
    engine.stop(app);
    CHECK(wait_until(healed, 10s));
  }
  SECTION("renamed") {
    engine.rename(app, app + "-mine");
    CHECK(wait_until([&] { return healed() && fleet.containers("a") == before; }, 10s));
  }
  SECTION("paused") {
    engine.http().json("POST", "/containers/" + app + "/pause");
    CHECK(wait_until([&] { return healed() && fleet.containers("a") == before; }, 10s));
  }
  SECTION("given another memory limit") {
    engine.http().json("POST", "/containers/" + app + "/update",
                       R"({"Memory":67108864,"MemorySwap":134217728})");
    const auto unlimited = [&] {
      const auto found = engine.find(app);  // null while it is replaced
      return !found.is_null() && found.at("HostConfig").at("Memory") == 0;
    };
    CHECK(wait_until([&] { return unlimited() && healed(); }, 5s));
  }
  SECTION("taken off its network") {
    const std::string network = fleet.stack("web") + "_default";
    engine.http().json("POST", "/networks/" + network + "/disconnect", R"({"Container":")" + app + "\"}");
    const auto connected = [&] {
      const auto found = engine.find(app);
      return !found.is_null() && found.at("NetworkSettings").at("Networks").contains(network);
    };
    CHECK(wait_until([&] { return connected() && healed(); }, 5s));
  }
  fleet.converge();
  CHECK(fleet.containers("a").at(db) == before.at(db));
}

TEST_CASE("what is not ours is never touched", "[drift]") {
  Fleet fleet;
  const EngineClient& engine = fleet.engine();
  const std::string name = fleet.stack("web") + "-app-1";
  const std::string stranger =
      engine.create(name, {{"Image", test_image()}, {"Labels", {{"com.hivemind.test", fleet.stack("web")}}}});
  engine.start(stranger);
  fleet.repository().write("web.yml", compose({{"app", "1"}}));
  fleet.repository().write("stacks.yml", "stacks:\n" + stack_entry(fleet, "web")).commit();
  fleet.start_hub();
  fleet.start_agent("a");

  // The name is taken by somebody else's container: that is a failure to be told, not a container to be
  // removed.
  REQUIRE(wait_until([&] { return fleet.sync().exit_code == 1; }, 30s));
  CHECK(engine.inspect(stranger).at("State").at("Running") == true);
  CHECK(engine.inspect(stranger).at("Name") == "/" + name);

  engine.remove(stranger);
  CHECK(wait_until([&] { return fleet.containers("a").contains(name) && fleet.converged("a"); }, 60s));
}

}  // namespace
}  // namespace hivemind::tests
