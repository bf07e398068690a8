#include "tests/support/catch.h"
#include "tests/unit/compose/compiling.h"

namespace hivemind::tests {
namespace {

nlohmann::json bindings(const std::string& port) {
  return compile_service("    ports:\n      - " + port + "\n").host("app").at("PortBindings");
}

}  // namespace

TEST_CASE("short ports become bindings") {
  CHECK(bindings("8080:80") == json(R"({"80/tcp":[{"HostPort":"8080"}]})"));
  CHECK(bindings("53:53/udp") == json(R"({"53/udp":[{"HostPort":"53"}]})"));
  CHECK(bindings("80") == json(R"({"80/tcp":[{"HostPort":""}]})"));
  CHECK(bindings("127.0.0.1:8080:80") == json(R"({"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"8080"}]})"));
  CHECK(bindings("127.0.0.1::80") == json(R"({"80/tcp":[{"HostIp":"127.0.0.1","HostPort":""}]})"));
  CHECK(bindings("':80'") == json(R"({"80/tcp":[{"HostPort":""}]})"));
  CHECK(bindings("'0:80'") == json(R"({"80/tcp":[{"HostPort":"0"}]})"));
  CHECK(bindings("53:53/UDP") == json(R"({"53/udp":[{"HostPort":"53"}]})"));
  CHECK(bindings("'[::1]:8080:80'") == json(R"({"80/tcp":[{"HostIp":"::1","HostPort":"8080"}]})"));
}

TEST_CASE("equal ranges pair up, one target keeps the range to pick from") {
  CHECK(bindings("8000-8001:80-81") ==
        json(R"({"80/tcp":[{"HostPort":"8000"}],"81/tcp":[{"HostPort":"8001"}]})"));
  CHECK(bindings("9000-9005:9000") == json(R"({"9000/tcp":[{"HostPort":"9000-9005"}]})"));
  CHECK(compile_service("    ports: ['8000-8002:80-81']\n").errors() == "4:13 compose.invalid-value");
}

TEST_CASE("long ports become bindings") {
  CHECK(bindings("{target: 80, published: '8080', host_ip: 10.0.0.1, protocol: udp, mode: host}") ==
        json(R"({"80/udp":[{"HostIp":"10.0.0.1","HostPort":"8080"}]})"));
  CHECK(bindings("{target: 80}") == json(R"({"80/tcp":[{"HostPort":""}]})"));
  CHECK(compile_service("    ports:\n      - {published: 80}\n").errors() == "5:9 compose.missing-key");
  CHECK(bindings("{target: '80', published: 0, name: web, app_protocol: http}") ==
        json(R"({"80/tcp":[{"HostPort":"0"}]})"));
  CHECK(compile_service("    ports:\n      - {target: 80, host_ip: here}\n").errors() ==
        "5:31 compose.invalid-value");
  CHECK(compile_service("    ports:\n      - {target: 80-81}\n").errors() == "5:18 compose.invalid-value");
  CHECK(compile_service("    ports:\n      - {target: 80, publish: 80}\n").errors() ==
        "5:22 compose.unknown-key");
}

TEST_CASE("published and exposed ports are exposed") {
  const auto compiled = compile_service("    ports: [8080:80]\n    expose: [90, 100-101/udp]\n");
  CHECK(compiled.body("app").at("ExposedPorts") ==
        json(R"({"80/tcp":{},"90/tcp":{},"100/udp":{},"101/udp":{}})"));
}

TEST_CASE("the same port twice is one port") {
  CHECK(bindings("80:80\n      - '80:80/tcp'\n      - {target: 80, published: '80', mode: host}") ==
        json(R"({"80/tcp":[{"HostPort":"80"}]})"));
}

TEST_CASE("what is no port is refused with its place") {
  CHECK(compile_service("    ports:\n      - 80:http\n").errors() == "5:9 compose.invalid-value");
  CHECK(compile_service("    ports:\n      - 0:0\n").errors() == "5:9 compose.invalid-value");
  CHECK(compile_service("    ports:\n      - 70000\n").errors() == "5:9 compose.invalid-value");
  CHECK(compile_service("    ports:\n      - 80/icmp\n").errors() == "5:9 compose.invalid-value");
  CHECK(compile_service("    ports:\n      - 80.5\n").errors() == "5:9 compose.invalid-value");
  CHECK(compile_service("    ports:\n      - localhost:80:80\n").errors() == "5:9 compose.invalid-value");
  CHECK(compile_service("    ports:\n      - '::1:80:80'\n").errors() == "5:9 compose.invalid-value");
  CHECK(compile_service("    ports:\n      - {target: 80, published: http}\n").errors() ==
        "5:33 compose.refused-by-engine");
  CHECK(compile_service("    ports:\n      - {target: 80, protocol: http}\n").errors() ==
        "5:32 compose.refused-by-engine");
  CHECK(compile_service("    expose: [http]\n").errors() == "4:14 compose.refused-by-engine");
  CHECK(compile_service("    expose: [1.5]\n").errors() == "4:14 compose.wrong-type");
  CHECK(compile_service("    ports: 80\n").errors() == "4:12 compose.wrong-type");
}

TEST_CASE("a host port is published once in a stack") {
  const std::string two =
      "services:\n  a:\n    image: x\n    ports: ['{}']\n  b:\n    image: x\n    ports: ['{}']\n";
  const auto compile_two = [&](const std::string& a, const std::string& b) {
    std::string text = two;
    text.replace(text.find("{}"), 2, a);
    text.replace(text.find("{}"), 2, b);
    return compile(text).errors();
  };
  CHECK(compile_two("80:80", "80:81") == "7:13 compose.port-conflict");
  CHECK(compile_two("80:80", "127.0.0.1:80:80") == "7:13 compose.port-conflict");
  CHECK(compile_two("80-82:80-82", "82:1") == "7:13 compose.port-conflict");
  CHECK(compile_two("80:80", "80:80/udp") == "");
  CHECK(compile_two("127.0.0.1:80:80", "127.0.0.2:80:80") == "");
  CHECK(compile_two("80", "80") == "");
  CHECK(compile_two("9000-9005:80", "9000-9005:80") == "");
}

TEST_CASE("ports are ignored on the host's network, with a warning") {
  const auto compiled = compile_service("    network_mode: host\n    ports: [80:80]\n");
  CHECK(compiled.errors() == "");
  CHECK(compiled.warnings() == "5:12 compose.ports-ignored");
}

TEST_CASE("replicas cannot share a host port or a name") {
  CHECK(compile_service("    scale: 2\n    ports: [80:80]\n").errors() == "5:13 compose.port-conflict");
  CHECK(compile_service("    scale: 2\n    ports: [8000-8001:80]\n").errors() == "");
  CHECK(compile_service("    deploy: {replicas: 2}\n    container_name: one\n").errors() ==
        "5:21 compose.conflict");
}

TEST_CASE("a stack with absurdly many ports is refused") {
  CHECK(compile_service("    expose: [1-65535]\n").errors() == "2:3 compose.too-large");
}

}  // namespace hivemind::tests
