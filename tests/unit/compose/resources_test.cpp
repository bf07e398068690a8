#include "tests/support/catch.h"
#include "tests/unit/compose/compiling.h"

namespace hivemind::tests {

TEST_CASE("limits of the service itself") {
  const auto compiled = compile_service(
      "    mem_limit: 1.5gb\n    mem_reservation: 64m\n    memswap_limit: -1\n    cpus: 0.5\n    pids_limit: "
      "100\n"
      "    shm_size: 64mb\n    cpu_shares: 512\n    cpuset: 0,1\n");
  CHECK(compiled.errors() == "");
  const auto host = compiled.host("app");
  CHECK(host.at("Memory") == 1610612736);
  CHECK(host.at("MemoryReservation") == 67108864);
  CHECK(host.at("MemorySwap") == -1);
  CHECK(host.at("NanoCpus") == 500000000);
  CHECK(host.at("PidsLimit") == 100);
  CHECK(host.at("ShmSize") == 67108864);
  CHECK(host.at("CpuShares") == 512);
  CHECK(host.at("CpusetCpus") == "0,1");
}

TEST_CASE("limits under deploy") {
  const auto compiled = compile_service(
      "    deploy:\n      replicas: 0\n      resources:\n        limits: {cpus: '0.25', memory: 128M, pids: "
      "9}\n"
      "        reservations: {memory: 64M}\n");
  CHECK(compiled.host("app").at("Memory") == 134217728);
  CHECK(compiled.host("app").at("NanoCpus") == 250000000);
  CHECK(compiled.host("app").at("PidsLimit") == 9);
  CHECK(compiled.host("app").at("MemoryReservation") == 67108864);
  CHECK(compiled.service("app").replicas() == 0);
  CHECK(compile_service("").service("app").replicas() == 1);
}

TEST_CASE("the same limit in two places must agree") {
  const auto compiled = compile_service(
      "    mem_limit: 1g\n    cpus: 1\n    deploy: {resources: {limits: {memory: 2g, cpus: 1}}}\n");
  CHECK(compiled.errors() == "4:16 compose.conflict");
}

TEST_CASE("what is no size or number is refused") {
  CHECK(compile_service("    mem_limit: lots\n").errors() == "4:16 compose.invalid-value");
  CHECK(compile_service("    mem_limit: 5 apples\n").errors() == "4:16 compose.invalid-value");
  CHECK(compile_service("    cpus: -1\n").errors() == "4:11 compose.refused-by-engine");
  CHECK(compile_service("    cpus: many\n").errors() == "4:11 compose.wrong-type");
  CHECK(compile_service("    scale: -1\n").errors() == "4:12 compose.invalid-value");
}

TEST_CASE("ulimits, single and with both ends") {
  CHECK(compile_service("    ulimits: {nproc: 65535, nofile: {soft: 20000, hard: 40000}}\n")
            .host("app")
            .at("Ulimits") ==
        json(R"([{"Name":"nofile","Soft":20000,"Hard":40000},{"Name":"nproc","Soft":65535,"Hard":65535}])"));
  CHECK(compile_service("    ulimits: {nofile: {soft: 1}}\n").errors() == "4:23 compose.missing-key");
}

TEST_CASE("device reservations") {
  CHECK(compile_service(
            "    deploy: {resources: {reservations: {devices: [{driver: nvidia, count: all, capabilities: "
            "[gpu]}]}}}\n")
            .host("app")
            .at("DeviceRequests") == json(R"([{"Driver":"nvidia","Count":-1,"Capabilities":[["gpu"]]}])"));
}

TEST_CASE("what is for Swarm is ignored with a warning") {
  const auto compiled = compile_service(
      "    deploy:\n      mode: global\n      placement: {constraints: [a]}\n      labels: {a: b}\n"
      "      update_config: {parallelism: 1}\n");
  CHECK(compiled.errors() == "");
  CHECK(
      compiled.warnings() ==
      "5:13 compose.ignored-key\n6:7 compose.ignored-key\n7:7 compose.ignored-key\n8:23 compose.ignored-key");
}

TEST_CASE("capabilities, privileges and kernel settings") {
  const auto compiled = compile_service(
      "    cap_add: [NET_ADMIN]\n    cap_drop: [ALL]\n    privileged: true\n    read_only: \"true\"\n"
      "    security_opt: ['no-new-privileges:true']\n    group_add: [44, video]\n    sysctls: "
      "{net.core.somaxconn: 1024}\n"
      "    pid: host\n    ipc: shareable\n");
  CHECK(compiled.errors() == "");
  const auto host = compiled.host("app");
  CHECK(host.at("CapAdd") == json(R"(["NET_ADMIN"])"));
  CHECK(host.at("CapDrop") == json(R"(["ALL"])"));
  CHECK(host.at("Privileged") == true);
  CHECK(host.at("ReadonlyRootfs") == true);
  CHECK(host.at("SecurityOpt") == json(R"(["no-new-privileges:true"])"));
  CHECK(host.at("GroupAdd") == json(R"(["44","video"])"));
  CHECK(host.at("Sysctls") == json(R"({"net.core.somaxconn":"1024"})"));
  CHECK(host.at("PidMode") == "host");
  CHECK(host.at("IpcMode") == "shareable");
}

TEST_CASE("devices") {
  CHECK(compile_service("    devices: ['/dev/a:/dev/b:r', /dev/c]\n").host("app").at("Devices") ==
        json(R"([{"PathOnHost":"/dev/a","PathInContainer":"/dev/b","CgroupPermissions":"r"},
                 {"PathOnHost":"/dev/c","PathInContainer":"/dev/c","CgroupPermissions":"rwm"}])"));
  CHECK(compile_service("    devices: ['dev/a']\n").errors() == "4:15 compose.refused-by-engine");
  CHECK(compile_service("    devices: ['/dev/a:/dev/b:r:x']\n").errors() == "4:15 compose.invalid-value");
  CHECK(compile_service("    devices: [{source: /dev/a}]\n").errors() == "4:15 compose.invalid-value");
}

TEST_CASE("truth values: quoted, substituted and old ones are read, others refused") {
  CHECK(compile_service("    privileged: ${P:-true}\n").host("app").at("Privileged") == true);
  CHECK(compile_service("    privileged: 'false'\n").host("app").at("Privileged") == false);
  const auto old = compile_service("    privileged: yes\n");
  CHECK(old.host("app").at("Privileged") == true);
  CHECK(old.warnings() == "4:17 compose.legacy-boolean");
  CHECK(compile_service("    privileged: perhaps\n").errors() == "4:17 compose.wrong-type");
}

}  // namespace hivemind::tests
