#include "tests/support/catch.h"
#include "tests/unit/compose/compiling.h"

namespace hivemind::tests {
namespace {

Compiled merged(const std::string& base, const std::string& over, const std::string& top_level = "") {
  const std::string service = "services:\n  app:\n    image: a\n";
  return compile(MemorySnapshot{{"web/compose.yml", service + base + top_level},
                                {"web/over.yml", "services:\n  app:\n" + over}},
                 {"web/compose.yml", "web/over.yml"});
}

}  // namespace

TEST_CASE("single values of a later file win, commands are replaced") {
  const auto compiled =
      merged("    user: a\n    command: [a, b]\n", "    user: b\n    command: c\n    image: other\n");
  CHECK(compiled.body("app").at("User") == "b");
  CHECK(compiled.body("app").at("Cmd") == json(R"(["c"])"));
  CHECK(compiled.body("app").at("Image") == "other");
}

TEST_CASE("environments merge by name, whatever their form") {
  CHECK(merged("    environment: [A=1, B=1]\n", "    environment: {B: 2, C: 3}\n").body("app").at("Env") ==
        json(R"(["A=1","B=2","C=3"])"));
}

TEST_CASE("mounts merge by target, ports by all that they are") {
  const auto compiled = merged("    volumes: ['/a:/x', '/b:/y']\n    ports: [80:80]\n",
                               "    volumes: ['/c:/x:ro']\n    ports: [80:80, 81:80]\n");
  CHECK(compiled.errors() == "");
  CHECK(compiled.host("app").at("Binds") == json(R"(["/c:/x:ro","/b:/y:rw"])"));
  CHECK(compiled.host("app").at("PortBindings") ==
        json(R"({"80/tcp":[{"HostPort":"80"},{"HostPort":"81"}]})"));
}

TEST_CASE("single names and lists of servers are appended") {
  const auto compiled = merged("    dns: 1.1.1.1\n    extra_hosts: {a: 10.0.0.1}\n",
                               "    dns: 9.9.9.9\n    extra_hosts: ['b:10.0.0.2']\n");
  CHECK(compiled.host("app").at("Dns") == json(R"(["1.1.1.1","9.9.9.9"])"));
  CHECK(compiled.host("app").at("ExtraHosts") == json(R"(["a:10.0.0.1","b:10.0.0.2"])"));
}

TEST_CASE("networks and dependencies mix lists and maps") {
  const auto compiled =
      merged("    networks: [a]\n", "    networks: {a: {aliases: [x]}, b: }\n", "networks: {a: , b: }\n");
  CHECK(compiled.service("app").endpoints_size() == 2);
  CHECK(json(compiled.service("app").endpoints(0).engine_body()) == json(R"({"Aliases":["app","x"]})"));
}

TEST_CASE("log options merge for the same driver and start anew for another") {
  const std::string base = "    logging: {driver: json-file, options: {max-size: 1m}}\n";
  CHECK(merged(base, "    logging: {options: {max-file: 2}}\n").host("app").at("LogConfig").at("Config") ==
        json(R"({"max-size":"1m","max-file":"2"})"));
  CHECK(merged(base, "    logging: {driver: local}\n").host("app").at("LogConfig") ==
        json(R"({"Type":"local"})"));
}

TEST_CASE("health checks merge but for their test") {
  CHECK(merged("    healthcheck: {test: [CMD, a], interval: 1s}\n", "    healthcheck: {test: [CMD, b]}\n")
            .body("app")
            .at("Healthcheck") == json(R"({"Test":["CMD","b"],"Interval":1000000000})"));
}

TEST_CASE("a later file resets and overrides what an earlier one says") {
  const auto compiled =
      merged("    ports: [80:80]\n    user: u\n", "    ports: !override [81:81]\n    user: !reset null\n");
  CHECK(compiled.errors() == "");
  CHECK(compiled.host("app").at("PortBindings") == json(R"({"81/tcp":[{"HostPort":"81"}]})"));
  CHECK_FALSE(compiled.body("app").contains("User"));
}

TEST_CASE("a later file adds services, and its mistakes have its name") {
  const auto compiled =
      compile(MemorySnapshot{{"web/compose.yml", "services: {a: {image: x}}\n"},
                             {"web/over.yml", "services:\n  b:\n    image: x\n    usr: 1\n"}},
              {"web/compose.yml", "web/over.yml"});
  CHECK(compiled.errors() == "web/over.yml:4:5 compose.unknown-key");
}

TEST_CASE("relative paths start from the first file's directory") {
  const MemorySnapshot repository{
      {"web/compose.yml", "services: {a: {image: x}}\n"},
      {"web/envs/over.yml", "services:\n  a:\n    volumes: ['./conf:/conf:ro']\n"},
      {"web/conf/f", "F"}};
  const auto compiled = compile(repository, {"web/compose.yml", "web/envs/over.yml"});
  REQUIRE(compiled.service("a").file_mounts_size() == 1);
  CHECK(compiled.service("a").file_mounts(0).entries_size() == 1);
}

}  // namespace hivemind::tests
