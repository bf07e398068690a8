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

TEST_CASE("a variable without value in a later file is passed through, not kept") {
  CHECK(
      compile(MemorySnapshot{{"web/compose.yml", "services: {app: {image: a, environment: {A: 1, B: 1}}}\n"},
                             {"web/over.yml", "services: {app: {environment: {A: }}}\n"}},
              {"web/compose.yml", "web/over.yml"}, {{"A", "node"}})
          .body("app")
          .at("Env") == json(R"(["A=node","B=1"])"));
}

TEST_CASE("a later list of dependencies says the plain condition again") {
  const auto compiled = compile(
      MemorySnapshot{
          {"web/compose.yml",
           "services:\n  app: {image: a, depends_on: {db: {condition: service_completed_successfully}}}\n"
           "  db: {image: b}\n"},
          {"web/over.yml", "services: {app: {depends_on: [db]}}\n"}},
      {"web/compose.yml", "web/over.yml"});
  CHECK(compiled.errors() == "");
  REQUIRE(compiled.service("app").depends_on_size() == 1);
  CHECK(compiled.service("app").depends_on(0).condition() == v1::Dependency::STARTED);
}

TEST_CASE("log options of a file that names no driver merge with those of one that does") {
  CHECK(merged("    logging: {options: {max-size: 1m}}\n", "    logging: {driver: local}\n")
            .host("app")
            .at("LogConfig") == json(R"({"Type":"local","Config":{"max-size":"1m"}})"));
}

TEST_CASE("what is listed twice in one file counts once, as it is said last") {
  const auto compiled = merged(
      "    volumes: ['/a:/x', '/b:/x/:ro']\n    ports: ['80:80', '80:80/tcp']\n"
      "    environment: [A=1, A=2]\n    cap_add: [SYS_TIME, SYS_TIME]\n"
      "    devices: ['/dev/a:/dev/x', '/dev/b:/dev/x']\n",
      "    user: u\n");
  CHECK(compiled.errors() == "");
  CHECK(compiled.host("app").at("PortBindings") == json(R"({"80/tcp":[{"HostPort":"80"}]})"));
  CHECK(compiled.body("app").at("Env") == json(R"(["A=2"])"));
  CHECK(compiled.host("app").at("CapAdd") == json(R"(["SYS_TIME"])"));
  CHECK(compiled.host("app").at("Devices").size() == 1);
  CHECK(compiled.host("app").at("Devices").at(0).at("PathOnHost") == "/dev/b");
}

TEST_CASE("limits of one name are replaced, equal hosts counted once") {
  const auto compiled =
      merged("    ulimits: {nofile: {soft: 1, hard: 2}, nproc: 3}\n    extra_hosts: ['a=10.0.0.1']\n",
             "    ulimits: {nofile: 5}\n    extra_hosts: {a: 10.0.0.1, b: 10.0.0.2}\n");
  CHECK(compiled.errors() == "");
  CHECK(compiled.host("app").at("Ulimits").size() == 2);
  CHECK(compiled.host("app").at("ExtraHosts") == json(R"(["a:10.0.0.1","b:10.0.0.2"])"));
}

TEST_CASE("whole services, nested keys and items of lists are reset and overridden") {
  const auto compiled =
      compile(MemorySnapshot{{"web/compose.yml",
                              "services:\n  a: {image: x}\n"
                              "  b: {image: x, user: u, environment: {A: 1, B: 1}, dns: [1.1.1.1]}\n"
                              "  c: {image: x, user: u}\n"},
                             {"web/over.yml",
                              "services:\n  a: !reset null\n  b:\n    environment: {A: !reset null}\n"
                              "    dns: [!reset 9.9.9.9, 8.8.8.8]\n  c: !override {image: y}\n"}},
              {"web/compose.yml", "web/over.yml"});
  CHECK(compiled.errors() == "");
  REQUIRE(compiled.result.has_value());
  CHECK(compiled.result->release.services_size() == 2);
  CHECK(compiled.body("b").at("Env") == json(R"(["B=1"])"));
  CHECK(compiled.host("b").at("Dns") == json(R"(["1.1.1.1","8.8.8.8"])"));
  CHECK(compiled.body("c").at("Image") == "y");
  CHECK_FALSE(compiled.body("c").contains("User"));
}

TEST_CASE("what was reset may be said again by a later file") {
  const auto compiled = compile(MemorySnapshot{{"web/compose.yml", "services: {a: {image: x, user: u}}\n"},
                                               {"web/b.yml", "services: {a: {user: !reset null}}\n"},
                                               {"web/c.yml", "services: {a: {user: w}}\n"}},
                                {"web/compose.yml", "web/b.yml", "web/c.yml"});
  CHECK(compiled.body("a").at("User") == "w");
}

TEST_CASE("forms that cannot be merged are refused where the later one stands") {
  const auto compiled = merged("    ports: [\"80\"]\n", "    ports: {a: b}\n");
  CHECK(compiled.errors() == "web/over.yml:3:12 compose.merge");
  CHECK(compiled.message("compose.merge") ==
        "'services.app.ports' is a map and cannot be merged with a list of web/compose.yml:4 (write both in "
        "one "
        "form, or put '!override' before it)");
}

TEST_CASE("documents of one file are merged like files") {
  const auto compiled =
      compile("services: {a: {image: x, user: u}}\n---\nservices: {a: {user: w}, b: {image: y}}\n");
  CHECK(compiled.errors() == "");
  CHECK(compiled.body("a").at("User") == "w");
  CHECK(compiled.body("b").at("Image") == "y");
}

TEST_CASE("address pools are merged by their subnet") {
  const auto compiled = compile(
      MemorySnapshot{
          {"web/compose.yml",
           "services: {a: {image: x, networks: [n]}}\nnetworks:\n  n: {ipam: {config: [{subnet: "
           "10.1.0.0/16}]}}\n"},
          {"web/over.yml", "networks: {n: {ipam: {config: [{subnet: 10.1.0.0/16, gateway: 10.1.0.9}]}}}\n"}},
      {"web/compose.yml", "web/over.yml"});
  CHECK(compiled.errors() == "");
  CHECK(json(compiled.network("n").engine_body()).at("IPAM").at("Config") ==
        json(R"([{"Subnet":"10.1.0.0/16","Gateway":"10.1.0.9"}])"));
}

}  // namespace hivemind::tests
