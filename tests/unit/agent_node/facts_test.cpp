#include "agent/node/facts.h"

#include <filesystem>
#include <fstream>

#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;
using namespace hivemind::agent;

namespace {

struct Machine {
  tests::TemporaryDirectory root;

  void file(const std::string& name, const std::string& content) {
    const std::filesystem::path path = root / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << content;
  }
  Facts facts() { return Facts(root.path(), root.path()); }
};

}  // namespace

TEST_CASE_METHOD(Machine, "a board is told by its device tree, its memory and its system") {
  file("proc/device-tree/model", std::string("Raspberry Pi 4 Model B Rev 1.4\0", 31));
  file("proc/meminfo", "MemTotal:        3884976 kB\nMemFree:  1 kB\nMemAvailable:    1200000 kB\n");
  file("etc/os-release", "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\n");
  file("proc/sys/kernel/random/boot_id", "0f3a5c1e-77d2\n");
  const Facts facts = this->facts();
  const v1::NodeFacts machine = facts.machine(std::nullopt);
  CHECK(machine.model() == "Raspberry Pi 4 Model B Rev 1.4");
  CHECK(machine.memory_bytes() == 3'884'976LL * 1024);
  CHECK(machine.os_release() == "Debian GNU/Linux 12 (bookworm)");
  CHECK(machine.cpus() > 0);
  CHECK(machine.engine_disk_bytes() > 0);
  CHECK(facts.boot_id() == "0f3a5c1e-77d2");
  CHECK(facts.vitals(std::nullopt).memory_available_bytes() == 1'200'000LL * 1024);
}

TEST_CASE_METHOD(Machine, "a PC is told by its firmware") {
  file("sys/class/dmi/id/sys_vendor", "Dell Inc.\n");
  file("sys/class/dmi/id/product_name", "OptiPlex 3050\n");
  CHECK(facts().machine(std::nullopt).model() == "Dell Inc. OptiPlex 3050");
}

TEST_CASE_METHOD(Machine, "what the engine says of its machine wins over what the agent sees") {
  EngineInfo engine{"28.5.1", {1, 51}, "arm64", "linux", "6.6"};
  engine.cpus = 4;
  engine.memory_bytes = 1'000;
  engine.root_directory = (root / "absent").string();
  const v1::NodeFacts machine = facts().machine(engine);
  CHECK(machine.architecture() == "arm64");
  CHECK(machine.engine_version() == "28.5.1");
  CHECK(machine.engine_api() == "1.51");
  CHECK(machine.cpus() == 4);
  CHECK(machine.memory_bytes() == 1'000);
  // An engine elsewhere keeps its data where the agent cannot look.
  CHECK(machine.engine_disk_bytes() == 0);
  CHECK(facts().vitals(engine).engine_disk_free_bytes() == 0);
  CHECK(facts().vitals(engine).data_disk_free_bytes() > 0);
}

TEST_CASE_METHOD(Machine, "vitals are the load, the hottest zone and the agent's own share of the memory") {
  file("proc/loadavg", "0.42 0.30 0.25 1/300 4711\n");
  file("sys/class/thermal/thermal_zone0/temp", "51200\n");
  file("sys/class/thermal/thermal_zone1/temp", "48000\n");
  file("sys/class/thermal/thermal_zone2/temp", "-274000\n");
  file("sys/class/thermal/cooling_device0/temp", "99000\n");
  file("proc/self/smaps_rollup",
       "5581-7ffd ---p 0 00:00 0 [rollup]\nRss:     9000 kB\nPss:     4096 kB\nPss_Anon: 1 kB\n");
  const v1::Vitals vitals = facts().vitals(std::nullopt);
  CHECK(vitals.load_milli() == 420);
  CHECK(vitals.temperature_milli_c() == 51'200);
  CHECK(vitals.agent_memory_bytes() == 4096 * 1024);
  CHECK(vitals.uptime_s() > 0);
}

TEST_CASE_METHOD(Machine, "what is not there is not known, and what makes no sense neither") {
  const v1::Vitals bare = facts().vitals(std::nullopt);
  CHECK(bare.load_milli() == 0);
  CHECK(bare.memory_available_bytes() == 0);
  CHECK(bare.temperature_milli_c() == 0);
  CHECK(bare.agent_memory_bytes() == 0);
  CHECK(facts().boot_id().empty());
  CHECK(facts().machine(std::nullopt).model().empty());
  file("proc/loadavg", "many");
  file("proc/meminfo", "MemTotal:\nMemAvailable: much\n");
  file("proc/device-tree/model", "\xff\xfe board");
  file("etc/os-release", "PRETTY_NAME=\"\n");
  const v1::NodeFacts odd = facts().machine(std::nullopt);
  CHECK(odd.memory_bytes() == 0);
  CHECK(odd.model() == "\\xff\\xfe board");
  CHECK(facts().vitals(std::nullopt).load_milli() == 0);
}

TEST_CASE("this machine is known") {
  const Facts facts("/");
  CHECK(facts.machine(std::nullopt).memory_bytes() > 0);
  CHECK(facts.vitals(std::nullopt).memory_available_bytes() > 0);
  CHECK(facts.vitals(std::nullopt).data_disk_free_bytes() > 0);
}
