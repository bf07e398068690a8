#include "agent/engine/decode.h"
#include "tests/support/catch.h"

using namespace hivemind::agent;

TEST_CASE("the ports that containers hold are read, and those that they only expose are not") {
  const auto ports = decode::published_ports(R"([
    {"Names": ["/web-app-1", "/other/alias"], "Ports": [
      {"IP": "127.0.0.1", "PrivatePort": 8080, "PublicPort": 80, "Type": "tcp"},
      {"PrivatePort": 9090, "Type": "tcp"},
      {"IP": "::", "PrivatePort": 53, "PublicPort": 5353, "Type": "udp"}]},
    {"Names": null, "Ports": null},
    {"Names": ["/odd"], "Ports": [{"PublicPort": 70000}, {"PublicPort": -1}]}])");
  REQUIRE(ports.size() == 2);
  CHECK(ports[0].container == "web-app-1");
  CHECK(ports[0].address == "127.0.0.1");
  CHECK(ports[0].port == 80);
  CHECK(ports[1].protocol == "udp");
}
