// The hub's key is rotated, and the agent is killed on its way to the new one.
#include <filesystem>
#include <iostream>

#include "tests/crash/releases.h"
#include "tests/support/catch.h"
#include "tests/support/http_engine.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

struct RotatedNode {
  TemporaryDirectory directory;
  HttpEngine engine{directory / "engine.sock"};
  NodeRig rig{engine.docker_host()};

  RotatedNode() {
    rig.environment["LD_PRELOAD"] = HIVEMIND_KILL_AT_WRITE;
    rig.publish(web_manifest(rig, {}));
    rig.start_agent();
    await_applied();
  }
  void await_applied() {
    const bool applied = rig.wait([&] { return rig.applied() && scene_of(rig) == wanted_scene(rig, {}); });
    INFO(rig.log());
    REQUIRE(applied);
  }
  void end_containers() {
    for (const auto& [name, id] : ids_of(rig)) rig.engine().stop(id);
  }
};

TEST_CASE("killed at every boundary on its way to a new key, a node starts in the dark, and follows later",
          "[rotation]") {
  RotatedNode node;
  REQUIRE(node.rig.stop_agent());
  const fs::path base = node.rig.directory() / "base";
  fs::copy(node.rig.data_directory, base, fs::copy_options::recursive);
  const std::string reachable = node.rig.broker_url;
  node.rig.rotate_key();
  node.rig.publish(web_manifest(node.rig, {}));
  int n = 1;
  for (bool killed = true; killed; ++n) {
    CAPTURE(n);
    fs::remove_all(node.rig.data_directory);
    fs::copy(base, node.rig.data_directory, fs::copy_options::recursive);
    node.rig.writes().killed = 0;
    node.rig.writes().kill_at = node.rig.writes().calls + static_cast<std::uint64_t>(n);
    node.rig.start_agent();
    REQUIRE(node.rig.wait([&] { return node.rig.writes().killed != 0 || node.rig.applied(); }));
    killed = node.rig.writes().killed != 0;
    node.rig.writes().kill_at = 0;
    node.rig.kill_agent();

    node.end_containers();
    node.rig.broker_url = "mqtt://127.0.0.1:1";
    node.rig.start_agent();
    const bool runs = node.rig.wait([&] { return scene_of(node.rig) == wanted_scene(node.rig, {}); });
    INFO(node.rig.log());
    REQUIRE(runs);
    node.rig.kill_agent();

    node.rig.broker_url = reachable;
    node.rig.start_agent();
    node.await_applied();
    node.rig.kill_agent();
  }
  std::cout << "rotation, killed, store and files: " << n - 2 << " boundaries\n";
  CHECK(n > 8);
}

TEST_CASE("a node that was away for several rotations catches up, and refuses the first key from then on",
          "[rotation]") {
  RotatedNode node;
  REQUIRE(node.rig.stop_agent());
  for (int rotation = 0; rotation < 3; ++rotation) {
    node.rig.rotate_key();
    node.rig.publish(web_manifest(node.rig, {}));
  }
  node.rig.start_agent();
  node.await_applied();
  node.rig.publish_by_first_key(empty_manifest());
  const auto refused = [&] {
    return node.rig.report() && node.rig.report()->reason() == v1::REASON_SIGNATURE_REFUSED;
  };
  REQUIRE(node.rig.wait(refused));
  CHECK(scene_of(node.rig) == wanted_scene(node.rig, {}));
  REQUIRE(node.rig.stop_agent());
  node.rig.start_agent();  // its --hub-key still names the first one
  REQUIRE(node.rig.wait(refused));
  CHECK(scene_of(node.rig) == wanted_scene(node.rig, {}));
}

}  // namespace
}  // namespace hivemind::tests
