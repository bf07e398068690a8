#include "agent/plan/port_taken.h"

#include <fmt/format.h>

#include "tests/support/catch.h"

using namespace hivemind::agent;

namespace {

std::string text_of(const std::string& words) {
  const auto taken = taken_port(words);
  return taken ? fmt::format("{} {} {}", taken->address, taken->port, taken->protocol) : "-";
}

}  // namespace

TEST_CASE("what engines say of a port that is taken is understood") {
  const std::pair<std::string, std::string> cases[] = {
      // 20.10
      {"driver failed programming external connectivity on endpoint web-1 (9c2e6a6f): Bind for 0.0.0.0:8080 "
       "failed: port is already allocated",
       "0.0.0.0 8080 "},
      {"driver failed programming external connectivity on endpoint web-1 (9c2e6a6f): Error starting "
       "userland "
       "proxy: listen tcp4 0.0.0.0:8080: bind: address already in use",
       "0.0.0.0 8080 tcp"},
      {"driver failed programming external connectivity on endpoint dns-1 (1f): Error starting userland "
       "proxy: "
       "listen udp4 127.0.0.1:53: bind: address already in use",
       "127.0.0.1 53 udp"},
      {"driver failed programming external connectivity on endpoint web-1 (1f): Error starting userland "
       "proxy: "
       "listen tcp6 [::]:443: bind: address already in use",
       "[::] 443 tcp"},
      {"driver failed programming external connectivity on endpoint web-1 (1f): Bind for :::80 failed: port "
       "is "
       "already allocated",
       ":: 80 "},
      // 28
      {"failed to set up container networking: driver failed programming external connectivity on endpoint "
       "web-1 (1f): Bind for 127.0.0.1:8080 failed: port is already allocated",
       "127.0.0.1 8080 "},
      {"failed to set up container networking: driver failed programming external connectivity on endpoint "
       "web-1 (1f): failed to bind host port for 0.0.0.0:8080:172.17.0.2:80/tcp: address already in use",
       "0.0.0.0 8080 tcp"},
      {"failed to set up container networking: driver failed programming external connectivity on endpoint "
       "web-1 (1f): failed to bind host port 0.0.0.0:5353/udp: address already in use",
       "0.0.0.0 5353 udp"},
      // Docker Desktop, and Podman 4
      {"Ports are not available: exposing port TCP 0.0.0.0:80 -> 0.0.0.0:0: listen tcp 0.0.0.0:80: bind: "
       "address "
       "already in use",
       "0.0.0.0 80 tcp"},
      {"rootlessport listen tcp 0.0.0.0:8080: bind: address already in use", "0.0.0.0 8080 tcp"},
      {"cannot listen on the TCP port: listen tcp4 :8080: bind: address already in use", " 8080 tcp"},
  };
  for (const auto& [words, expected] : cases) {
    INFO(words);
    CHECK(text_of(words) == expected);
  }
}

TEST_CASE("other reasons not to start are not taken for it") {
  const std::string cases[] = {
      "driver failed programming external connectivity on endpoint web-1 (1f):  (iptables failed: iptables "
      "-t nat)",
      "Error starting userland proxy: listen tcp4 0.0.0.0:80: bind: permission denied",
      "listen tcp4 192.0.2.1:80: bind: cannot assign requested address",
      "Address already in use",  // a fixed address of a network
      "failed to set up container networking: Address already in use",
      "Bind for nowhere failed: port is already allocated",
      "listen tcp4 0.0.0.0:99999: bind: address already in use",
      "no such image",
      "",
  };
  for (const std::string& words : cases) {
    INFO(words);
    CHECK(text_of(words) == "-");
  }
}

TEST_CASE("the container that has the port is named, and otherwise that none has it") {
  const TakenPort taken{"0.0.0.0", 8080, "tcp"};
  CHECK(port_taken_text(taken, "app", {{"other", "127.0.0.1", 8080, "tcp"}}) ==
        "port 8080/tcp, which service 'app' publishes, is taken by container 'other'");
  const std::vector<PublishedPort> others{{"a", "0.0.0.0", 8081, "tcp"}, {"b", "0.0.0.0", 8080, "udp"}};
  CHECK_THAT(port_taken_text(taken, "app", others),
             hivemind::tests::ContainsSubstring("such as a process outside Docker"));
  CHECK_THAT(port_taken_text({"127.0.0.1", 80, ""}, "app", {{"c", "127.0.0.2", 80, "tcp"}}),
             hivemind::tests::ContainsSubstring("port 80 of 127.0.0.1, which service 'app'"));
}
