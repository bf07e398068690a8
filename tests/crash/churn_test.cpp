// Two thousand updates of a real agent, one after the other: its memory stays as it is.
#include <chrono>
#include <fstream>
#include <iostream>

#include <unistd.h>

#include "tests/crash/releases.h"
#include "tests/support/catch.h"
#include "tests/support/http_engine.h"

namespace hivemind::tests {
namespace {

constexpr int kWarm = 200;
constexpr int kApplies = 2000;
constexpr long kMostGrowthKiB = 1024;

long resident_kib(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/statm");
  long size = 0;
  long resident = 0;
  file >> size >> resident;
  return resident * (::sysconf(_SC_PAGESIZE) / 1024);
}

TEST_CASE("two thousand applies leave the resident memory as it was", "[churn]") {
  const TemporaryDirectory directory;
  HttpEngine engine(directory / "engine.sock");
  NodeRig rig(engine.docker_host());
  rig.start_agent();
  long warm = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 1; i <= kApplies; ++i) {
    rig.publish(web_manifest(rig, {.app = std::to_string(i)}));
    const bool applied = rig.wait([&] { return rig.applied(); });
    INFO(rig.log());
    REQUIRE(applied);
    if (i == kWarm) warm = resident_kib(rig.agent().pid());
  }
  const auto took =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - begin);
  const long end = resident_kib(rig.agent().pid());
  std::cout << kApplies << " applies in " << took.count() << " s: " << warm << " KiB resident after " << kWarm
            << ", " << end << " KiB at the end\n";
  CHECK(scene_of(rig) == wanted_scene(rig, {.app = std::to_string(kApplies)}));
  CHECK(end - warm < kMostGrowthKiB);
}

}  // namespace
}  // namespace hivemind::tests
