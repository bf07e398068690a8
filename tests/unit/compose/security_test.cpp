// Devices, namespaces, security options and hooks.
#include "tests/support/catch.h"
#include "tests/unit/compose/compiling.h"

namespace hivemind::tests {
namespace {

constexpr const char* kProfile = "{\n  \"defaultAction\": \"SCMP ACT\",\n  \"n\": [1, 2]\n}\n";

Compiled with_files(const std::string& lines) {
  return compile(
      MemorySnapshot{
          {"web/compose.yml", "services:\n  app:\n    image: nginx:1\n" + lines},
          {"web/profile.json", kProfile},
          {"web/broken.json", "{"},
          {"web/one.labels", "A=1\nB=\"${A} x\"\nC\n"},
          {"web/two.labels", "A=2\nD=010\n"},
          {"web/reserved.labels", "com.docker.compose.project=x\n"},
      },
      {"web/compose.yml"});
}

}  // namespace

TEST_CASE("a seccomp profile of the repository travels in the body, without white space between its parts") {
  const auto compiled = with_files("    security_opt: ['seccomp=profile.json', no-new-privileges]\n");
  CHECK(compiled.errors() == "");
  CHECK(compiled.host("app").at("SecurityOpt") ==
        json(R"(["seccomp={\"defaultAction\":\"SCMP ACT\",\"n\":[1,2]}","no-new-privileges"])"));
  CHECK(compiled.paths.contains("web/profile.json"));
}

TEST_CASE("a seccomp profile that cannot be had is refused with its place") {
  CHECK(with_files("    security_opt: ['seccomp:broken.json']\n").errors() == "4:20 compose.invalid-value");
  CHECK(with_files("    security_opt: ['seccomp=none.json']\n").errors() == "4:20 compose.missing-file");
  CHECK_FALSE(with_files("    security_opt: ['seccomp=../../etc/passwd']\n").errors().empty());
  CHECK_FALSE(with_files("    security_opt: ['seccomp=/etc/passwd']\n").errors().empty());
  CHECK(with_files("    security_opt: [nonsense]\n").errors() == "4:20 compose.refused-by-engine");
}

TEST_CASE("security options of the engine pass as they are") {
  const auto host = compile_service(
                        "    security_opt: ['seccomp=unconfined', 'apparmor:unconfined', "
                        "systempaths=unconfined]\n")
                        .host("app");
  CHECK(host.at("SecurityOpt") == json(R"(["seccomp=unconfined","apparmor:unconfined"])"));
  CHECK(host.at("MaskedPaths") == json("[]"));
  CHECK(host.at("ReadonlyPaths") == json("[]"));
}

TEST_CASE("labels of files are below those of the service, and later files above earlier ones") {
  const auto compiled = with_files("    label_file: [one.labels, two.labels]\n    labels: {D: own}\n");
  CHECK(compiled.errors() == "");
  CHECK(compiled.body("app").at("Labels") == json(R"({"A":"2","B":"1 x","D":"own"})"));
  CHECK(with_files("    label_file: none\n").errors() == "4:17 compose.missing-file");
  CHECK(with_files("    label_file: reserved.labels\n").errors() == "4:17 compose.reserved-label");
}

TEST_CASE("annotations need an engine that has them") {
  const auto compiled = compile_service("    annotations: {a: 010}\n");
  CHECK(compiled.host("app").at("Annotations") == json(R"({"a":"8"})"));
  CHECK(compiled.result->release.engine_api() == "1.43");
}

TEST_CASE("namespaces of other services are the agent's to fill in, and make a dependency") {
  const auto compiled = compile_service("    pid: service:db\n    ipc: service:db\n", "  db: {image: a}\n");
  CHECK(compiled.errors() == "");
  CHECK(compiled.service("app").pid_of() == "db");
  CHECK(compiled.service("app").ipc_of() == "db");
  CHECK_FALSE(compiled.host("app").contains("PidMode"));
  CHECK_FALSE(compiled.host("app").contains("IpcMode"));
  REQUIRE(compiled.service("app").depends_on_size() == 1);
  CHECK(compiled.service("app").depends_on(0).service() == "db");
  CHECK(compiled.service("app").depends_on(0).restart());
  CHECK(compile_service("    pid: service:none\n").errors() == "4:10 compose.undefined-service");
  CHECK(compile_service("    pid: service:app\n").errors() == "4:10 compose.dependency-cycle");
}

TEST_CASE("namespaces of the node and of other containers pass as they are, others are refused") {
  const auto host = compile_service("    pid: container:x\n    ipc: shareable\n    uts: host\n").host("app");
  CHECK(host.at("PidMode") == "container:x");
  CHECK(host.at("IpcMode") == "shareable");
  CHECK(host.at("UTSMode") == "host");
  for (const char* line : {"    pid: some\n", "    ipc: some\n", "    uts: some\n", "    cgroup: some\n",
                           "    userns_mode: some\n", "    uts: service:app\n"}) {
    INFO(line);
    CHECK_FALSE(compile_service(line).errors().empty());
  }
}

TEST_CASE("devices of the Container Device Interface are one request") {
  const auto compiled = compile_service(
      "    devices:\n      - vendor.com/gpu=0\n      - {source: vendor.com/gpu=1, target: vendor.com/gpu=1}\n"
      "      - /dev/a\n");
  CHECK(compiled.errors() == "");
  CHECK(compiled.host("app").at("DeviceRequests") ==
        json(R"([{"Driver":"cdi","DeviceIDs":["vendor.com/gpu=0","vendor.com/gpu=1"]}])"));
  CHECK(compiled.host("app").at("Devices").size() == 1);
  CHECK(compiled.result->release.engine_api() == "1.44");
}

TEST_CASE("gpus ask for the capability of one") {
  CHECK(compile_service("    gpus: all\n").host("app").at("DeviceRequests") ==
        json(R"([{"Count":-1,"Capabilities":[["gpu"]]}])"));
  CHECK(compile_service(
            "    gpus: [{driver: nvidia, count: '2', capabilities: [compute]}, {device_ids: ['0']}]\n")
            .host("app")
            .at("DeviceRequests") ==
        json(R"([{"Driver":"nvidia","Count":2,"Capabilities":[["compute","gpu"]]},
                 {"DeviceIDs":["0"],"Capabilities":[["gpu"]]}])"));
  CHECK(compile_service("    gpus: some\n").errors() == "4:11 compose.invalid-value");
  CHECK(compile_service("    gpus: [{count: 1, device_ids: [a]}]\n").errors() ==
        "4:12 compose.invalid-value");
}

TEST_CASE("hooks are part of what makes a container") {
  const auto compiled = compile_service(
      "    post_start: [{command: \"a 'b c'\", user: root, privileged: true, working_dir: /x, environment: "
      "[A=1, "
      "B]}]\n    pre_stop: [{command: [x, y]}]\n");
  CHECK(compiled.errors() == "");
  const v1::Service& app = compiled.service("app");
  REQUIRE(app.post_start_size() == 1);
  REQUIRE(app.pre_stop_size() == 1);
  const v1::Hook& hook = app.post_start(0);
  CHECK(hook.command_size() == 2);
  CHECK(hook.command(1) == "b c");
  CHECK(hook.user() == "root");
  CHECK(hook.privileged());
  CHECK(hook.working_dir() == "/x");
  REQUIRE(hook.environment_size() == 2);
  CHECK(hook.environment(0) == "A=1");
  CHECK(hook.environment(1) == "B");
  CHECK(app.config_hash() != compile_service("").service("app").config_hash());
  CHECK(compile_service("    post_start: [{user: x}]\n").errors() == "4:18 compose.missing-key");
  CHECK(compile_service("    post_start: [{command: []}]\n").errors() == "4:18 compose.refused-by-engine");
}

TEST_CASE("block devices have weights and rates") {
  const auto host = compile_service(
                        "    blkio_config: {weight: 300, weight_device: [{path: /dev/a, weight: 400}], "
                        "device_read_bps: [{path: /dev/a, rate: 12mb}], device_write_iops: [{path: /dev/a, "
                        "rate: 30}]}\n")
                        .host("app");
  CHECK(host.at("BlkioWeight") == 300);
  CHECK(host.at("BlkioWeightDevice") == json(R"([{"Path":"/dev/a","Weight":400}])"));
  CHECK(host.at("BlkioDeviceReadBps") == json(R"([{"Path":"/dev/a","Rate":12582912}])"));
  CHECK(host.at("BlkioDeviceWriteIOps") == json(R"([{"Path":"/dev/a","Rate":30}])"));
  CHECK(compile_service("    blkio_config: {weight: 5}\n").errors() == "4:28 compose.refused-by-engine");
}

TEST_CASE("the policy of deploy replaces the other, and does what docker compose does with it") {
  const auto policy = [](const std::string& text) {
    return compile_service("    restart: always\n    deploy: {restart_policy: " + text + "}\n")
        .host("app")
        .at("RestartPolicy");
  };
  CHECK(policy("{condition: on-failure, max_attempts: 3}") ==
        json(R"({"Name":"on-failure","MaximumRetryCount":3})"));
  CHECK(policy("{condition: any, max_attempts: 3}") == json(R"({"Name":"always"})"));
  CHECK(policy("{condition: none}") == json(R"({"Name":"no"})"));
  CHECK(policy("{}") == json(R"({"Name":"no"})"));
  CHECK(compile_service("    deploy: {restart_policy: {}}\n").warnings() == "4:30 compose.no-restart");
}

TEST_CASE("an update may start the new container first") {
  CHECK(
      compile_service("    deploy: {update_config: {order: start-first}}\n").service("app").update_order() ==
      v1::UPDATE_ORDER_START_FIRST);
  CHECK(compile_service("").service("app").update_order() == v1::UPDATE_ORDER_STOP_FIRST);
}

TEST_CASE("processors are counted as exactly as docker compose counts them") {
  for (const auto& [text, nano] :
       {std::pair{"0.1", 100'000'000}, {"0.7", 700'000'000}, {"1.1", 1'100'000'000}}) {
    CHECK(compile_service("    cpus: " + std::string(text) + "\n").host("app").at("NanoCpus") == nano);
  }
}

}  // namespace hivemind::tests
