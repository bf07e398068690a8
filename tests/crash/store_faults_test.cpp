// A real agent whose store is damaged or cannot be written: what runs, runs on; it is told; it recovers
// without help.
#include <chrono>
#include <fstream>
#include <functional>
#include <vector>

#include "tests/crash/disk_image.h"
#include "tests/crash/releases.h"
#include "tests/support/catch.h"
#include "tests/support/http_engine.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

struct Fault {
  const char* name;
  std::function<void(const fs::path& store)> happen;
};

void overwrite(const fs::path& file, std::streamoff at, const std::string& bytes) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekp(at).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

std::vector<Fault> faults() {
  return {
      {"its first page is noise",
       [](const fs::path& store) { overwrite(store, 0, std::string(4096, '\x5a')); }},
      {"all of it is noise",
       [](const fs::path& store) { overwrite(store, 0, std::string(fs::file_size(store), '\x5a')); }},
      {"it is cut in half", [](const fs::path& store) { fs::resize_file(store, fs::file_size(store) / 2); }},
      {"it is a directory",
       [](const fs::path& store) {
         fs::remove(store);
         fs::create_directory(store);
       }},
      {"it is of an unknown schema", [](const fs::path& store) { overwrite(store, 63, "\x63"); }},
      {"its format cannot be written", [](const fs::path& store) { overwrite(store, 18, "\x63"); }},
  };
}

bool was_told(const NodeRig& rig) {
  for (const v1::Event& event : rig.events()) {
    if (event.kind() == "store_replaced" && event.reason() == v1::REASON_STORE_FAILED) return true;
  }
  return false;
}

TEST_CASE("a damaged store is replaced and told of, and no container is touched", "[store_faults]") {
  const TemporaryDirectory directory;
  HttpEngine engine(directory / "engine.sock");
  for (const Fault& fault : faults()) {
    CAPTURE(fault.name);
    NodeRig rig(engine.docker_host());
    rig.start_agent();
    rig.publish(web_manifest(rig, {}));
    REQUIRE(rig.wait([&] { return rig.applied(); }));
    const auto ids = ids_of(rig);
    REQUIRE(rig.stop_agent());
    fault.happen(rig.data_directory / "agent.db");
    rig.start_agent();
    const bool well = rig.wait([&] { return rig.applied() && was_told(rig); });
    INFO(rig.log());
    CHECK(well);
    CHECK(rig.report()->reason() != v1::REASON_STORE_FAILED);
    CHECK(ids_of(rig) == ids);
    rig.kill_agent();
    rig.start_agent();
    CHECK(rig.wait([&] { return rig.applied(); }));
    CHECK(ids_of(rig) == ids);
  }
}

TEST_CASE("a disk that turns read-only is told, and gone on from when it can be written", "[store_faults]") {
  const TemporaryDirectory directory;
  const DiskImage disk(directory / "disk");
  if (!disk.mounted()) {
    WARN("no file system can be mounted here (run as root, with loop devices)");
    return;
  }
  HttpEngine engine(directory / "engine.sock");
  NodeRig rig(engine.docker_host());
  rig.data_directory = disk.directory() / "agent";
  rig.start_agent();
  rig.publish(web_manifest(rig, {}));
  REQUIRE(rig.wait([&] { return rig.applied(); }));
  const auto ids = ids_of(rig);
  rig.kill_agent();
  REQUIRE(run({"mount", "-o", "remount,ro", disk.directory()}).exit_code == 0);
  rig.start_agent();
  rig.publish(web_manifest(rig, {.app = "2"}));
  const auto told = [&] { return rig.report() && rig.report()->reason() == v1::REASON_STORE_FAILED; };
  const bool is_told = rig.wait([&] { return told() || rig.applied(); });
  INFO(rig.log());
  CHECK(is_told);
  CHECK(rig.agent().running());
  if (told()) CHECK(ids_of(rig) == ids);  // what is not on the disk is not done
  REQUIRE(run({"mount", "-o", "remount,rw", disk.directory()}).exit_code == 0);
  CHECK(rig.wait([&] { return rig.applied() && scene_of(rig) == wanted_scene(rig, {.app = "2"}); }, 40s));
  rig.kill_agent();
}

}  // namespace
}  // namespace hivemind::tests
