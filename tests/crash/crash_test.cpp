// kill -9 of a real agent at every boundary of what it does: before each write to the engine, after the
// engine has done it, and before each call that changes the store or a file.
#include "tests/crash/crash_run.h"
#include "tests/support/catch.h"

namespace hivemind::tests {
namespace {

const WebStack kOne{};
const WebStack kTwo{.app = "2"};

// On an engine of records, all of them.
void kill_everywhere(const Change& change) {
  const TemporaryDirectory directory;
  HttpEngine engine(directory / "engine.sock");
  EngineProxy proxy(directory / "proxy.sock", engine.docker_host());
  NodeRig rig(engine.docker_host());
  rig.agent_engine = proxy.docker_host();
  CrashRun crashes(rig, proxy, {.records = &engine});
  CHECK(crashes.run(change, Boundary::kBeforeWrite) > 3);
  CHECK(crashes.run(change, Boundary::kAfterWrite) > 3);
  CHECK(crashes.run(change, Boundary::kStore) > 10);
}

// On a real one, all of the engine's.
void kill_at_engine(const Change& change) {
  const TemporaryDirectory directory;
  EngineProxy proxy(directory / "proxy.sock", EngineClient::url());
  NodeRig rig(EngineClient::url());
  rig.agent_engine = proxy.docker_host();
  CrashRun crashes(rig, proxy, {});
  CHECK(crashes.run(change, Boundary::kBeforeWrite) > 3);
  CHECK(crashes.run(change, Boundary::kAfterWrite) > 3);
}

void cut_everywhere(const Change& change) {
  const TemporaryDirectory directory;
  DiskImage disk(directory / "disk");
  if (!disk.mounted()) {
    WARN("no file system can be mounted here (run as root, with loop devices)");
    return;
  }
  HttpEngine engine(directory / "engine.sock");
  EngineProxy proxy(directory / "proxy.sock", engine.docker_host());
  NodeRig rig(engine.docker_host());
  rig.agent_engine = proxy.docker_host();
  rig.data_directory = disk.directory() / "agent";
  CrashRun cuts(rig, proxy, {.records = &engine, .disk = &disk});
  CHECK(cuts.run(change, Boundary::kBeforeWrite) > 3);
  CHECK(cuts.run(change, Boundary::kAfterWrite) > 3);
  CHECK(cuts.run(change, Boundary::kStore) > 10);
}

const Change kFirst{"first apply", std::nullopt, kOne, std::nullopt};
const Change kUpdate{"update", kOne, kTwo, std::nullopt};
// The new version ends as soon as it is started.
const Change kRollback{"rollback", kOne, WebStack{.app = "2", .app_image = "crash:1", .soak_ms = 100}, kOne};
const Change kRemoval{"removal", kOne, std::nullopt, std::nullopt};

TEST_CASE("killed at every boundary of a first apply, it ends in the same state", "[first]") {
  kill_everywhere(kFirst);
}
TEST_CASE("killed at every boundary of an update, it ends in the same state", "[update]") {
  kill_everywhere(kUpdate);
}
TEST_CASE("killed at every boundary of a failing update and its rollback, it ends with what ran",
          "[rollback]") {
  kill_everywhere(kRollback);
}
TEST_CASE("killed at every boundary of a removal, it ends in the same state", "[removal]") {
  kill_everywhere(kRemoval);
}

TEST_CASE("killed at every write of an update to a real engine, it ends in the same state", "[real_engine]") {
  kill_at_engine(kUpdate);
}

TEST_CASE("a power cut at every boundary of a first apply takes nothing that counts", "[power_cut]") {
  cut_everywhere(kFirst);
}
TEST_CASE("a power cut at every boundary of an update takes nothing that counts", "[power_cut]") {
  cut_everywhere(kUpdate);
}
TEST_CASE("a power cut at every boundary of a failing update and its rollback takes nothing that counts",
          "[power_cut_rollback]") {
  cut_everywhere(kRollback);
}
TEST_CASE("a power cut at every boundary of a removal takes nothing that counts", "[power_cut]") {
  cut_everywhere(kRemoval);
}

}  // namespace
}  // namespace hivemind::tests
