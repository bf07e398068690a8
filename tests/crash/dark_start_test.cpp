// A boot with nothing there but the engine, and that late: the last releases run. And engines that are slow,
// restarted or upgraded.
#include <chrono>
#include <filesystem>
#include <vector>

#include "tests/crash/releases.h"
#include "tests/support/catch.h"
#include "tests/support/engine_proxy.h"
#include "tests/support/http_engine.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

struct DarkNode {
  TemporaryDirectory directory;
  HttpEngine engine{directory / "engine.sock"};
  EngineProxy proxy{directory / "proxy.sock", engine.docker_host()};
  NodeRig rig{engine.docker_host()};

  DarkNode() {
    rig.agent_engine = proxy.docker_host();
    rig.start_agent();
    apply({});
  }
  void apply(const WebStack& stack) {
    rig.publish(web_manifest(rig, stack));
    const bool applied = rig.wait([&] { return rig.applied() && scene_of(rig) == wanted_scene(rig, stack); });
    INFO(rig.log());
    REQUIRE(applied);
  }
  bool runs(const WebStack& stack, std::chrono::milliseconds longest = 20s) {
    return rig.wait([&] { return scene_of(rig) == wanted_scene(rig, stack); }, longest);
  }
  // As a power cut leaves them.
  void end_containers() {
    for (const auto& [name, id] : ids_of(rig)) rig.engine().stop(id);
  }
};

std::string faketime() {
  for (const char* place : {"/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
                            "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
                            "/usr/lib/arm-linux-gnueabihf/faketime/libfaketime.so.1"}) {
    if (fs::exists(place)) return place;
  }
  return "";
}

TEST_CASE(
    "with no broker, no names, a wrong clock and an engine that comes late, a boot brings back what ran",
    "[dark]") {
  DarkNode node;
  const std::string clock =
      GENERATE(std::string(), std::string("@1970-01-01 00:00:05"), std::string("@2038-01-19 03:14:00"));
  CAPTURE(clock);
  if (!clock.empty() && faketime().empty()) {
    WARN("no libfaketime here (deploy/dependencies.sh test)");
    return;
  }
  const auto ids = ids_of(node.rig);
  const auto volumes = volumes_of(node.rig);
  node.rig.kill_agent();
  node.rig.kill_broker();
  node.end_containers();
  node.proxy.refuse();

  node.rig.broker_url = "mqtt://broker.invalid:1883";
  if (!clock.empty()) {
    // Only the clock on the wall: a kernel counts from 0 at any boot, whatever the date.
    node.rig.environment = {
        {"LD_PRELOAD", faketime()}, {"FAKETIME", clock}, {"FAKETIME_DONT_FAKE_MONOTONIC", "1"}};
  }
  node.rig.start_agent();
  CHECK_FALSE(node.runs({}, 500ms));
  CHECK(node.rig.agent().running());
  node.proxy.accept();
  const bool back = node.runs({});
  INFO(node.rig.log());
  CHECK(back);
  CHECK(ids_of(node.rig) == ids);
  CHECK(volumes_of(node.rig) == volumes);
  // And heals what goes wrong from then on.
  node.end_containers();
  CHECK(node.runs({}));
  CHECK(node.rig.stop_agent().value_or(1h) < 5s);
}

TEST_CASE("a node that wakes in 1970 takes the next manifest", "[dark]") {
  if (faketime().empty()) {
    WARN("no libfaketime here (deploy/dependencies.sh test)");
    return;
  }
  DarkNode node;
  node.rig.kill_agent();
  node.rig.environment = {{"LD_PRELOAD", faketime()},
                          {"FAKETIME", "@1970-01-01 00:00:05"},
                          {"FAKETIME_DONT_FAKE_MONOTONIC", "1"}};
  node.rig.start_agent();
  node.apply({.app = "2"});
  node.rig.kill_agent();
  node.rig.environment.clear();
  node.rig.start_agent();
  node.apply({.app = "3"});
}

TEST_CASE("a slow engine takes its time and is not asked twice for one thing", "[engine_faults]") {
  DarkNode node;
  node.proxy.delay(200ms);
  node.proxy.clear();
  node.rig.publish(web_manifest(node.rig, {.app = "2"}));
  const bool applied = node.rig.wait([&] { return node.rig.applied(); }, 60s);
  INFO(node.rig.log());
  REQUIRE(applied);
  CHECK(node.runs({.app = "2"}));
  int creates = 0;
  for (const std::string& write : node.proxy.writes())
    creates += write.find("/containers/create") != std::string::npos ? 1 : 0;
  CHECK(creates == 1);
}

TEST_CASE("an engine that restarts in the midst of an update is waited for", "[engine_faults]") {
  DarkNode node;
  const auto ids = ids_of(node.rig);
  node.proxy.break_off(2, EngineProxy::Moment::kAfterWrite, [] {});
  node.rig.publish(web_manifest(node.rig, {.app = "2"}));
  node.proxy.refuse();
  node.rig.wait([] { return false; }, 300ms);
  node.proxy.accept();
  const bool applied = node.rig.wait(
      [&] { return node.rig.applied() && scene_of(node.rig) == wanted_scene(node.rig, {.app = "2"}); }, 30s);
  INFO(node.rig.log());
  CHECK(applied);
  CHECK(ids_of(node.rig).at(node.rig.stack() + "-db-1") == ids.at(node.rig.stack() + "-db-1"));
}

TEST_CASE("an engine that is changed under us is spoken to as it can, or told of", "[engine_faults]") {
  DarkNode node;
  node.engine.upgrade("1.41");
  node.apply({.app = "2"});
  node.engine.upgrade("1.52");
  node.apply({.app = "3"});
  const auto ids = ids_of(node.rig);
  node.engine.upgrade("1.40");
  const bool told = node.rig.wait([&] { return node.rig.report()->reason() == v1::REASON_ENGINE_TOO_OLD; });
  INFO(node.rig.log());
  CHECK(told);
  CHECK(ids_of(node.rig) == ids);
  node.engine.upgrade("1.47");
  node.apply({.app = "4"});
}

}  // namespace
}  // namespace hivemind::tests
