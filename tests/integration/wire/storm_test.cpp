// All nodes come back at the same time, as after a broker's restart.
#include <atomic>
#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include <unistd.h>

#include "tests/integration/wire/trusted_broker.h"
#include "tests/support/catch.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;

constexpr int kNodes = 300;
constexpr auto kPatience = 60s;

// User and system time of a process.
std::chrono::milliseconds cpu_time(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string field;
  long ticks = 0;
  for (int i = 3; i <= 15 && fields >> field; ++i)
    if (i >= 14) ticks += std::stol(field);
  return std::chrono::milliseconds(ticks * 1000 / ::sysconf(_SC_CLK_TCK));
}

pid_t broker_pid(const TrustedBroker& broker) {
  std::ifstream file(broker.directory() / "broker" / "mosquitto.pid");
  pid_t pid = 0;
  file >> pid;
  return pid;
}

}  // namespace

TEST_CASE("some hundred nodes that come at once by mutual TLS are all let in", "[wire]") {
  TrustedBroker broker;
  // One certificate each, as the broker keeps a session for each name.
  std::vector<RawClient> clients;
  for (int i = 0; i < kNodes; ++i)
    clients.push_back(broker.raw(broker.make_node("n" + std::to_string(i)).file));
  const auto before = cpu_time(broker_pid(broker));
  const auto start = std::chrono::steady_clock::now();
  // All knock at once, and again when nobody answers: the listener's queue is shorter than theirs.
  std::atomic<int> let_in = 0;
  std::vector<std::thread> nodes;
  for (RawClient& client : clients) {
    nodes.emplace_back([&] {
      while (std::chrono::steady_clock::now() - start < kPatience)
        if (client.connect()) return void(++let_in);
    });
  }
  for (std::thread& node : nodes) node.join();
  const auto took = std::chrono::steady_clock::now() - start;
  CHECK(let_in == kNodes);
  const auto used = cpu_time(broker_pid(broker)) - before;
  WARN(kNodes << " connections in " << std::chrono::duration_cast<std::chrono::milliseconds>(took).count()
              << " ms, " << static_cast<double>(used.count()) / kNodes << " ms of the broker's CPU each");
  for (RawClient& client : clients) REQUIRE(client.ping());
}

}  // namespace hivemind::tests
