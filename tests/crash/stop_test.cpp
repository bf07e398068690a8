// A stop request ends the agent within 5 s, whatever it is doing and whoever does not answer; the service
// manager hears of it.
#include <chrono>
#include <iostream>
#include <utility>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "tests/crash/black_hole.h"
#include "tests/crash/notify_socket.h"
#include "tests/crash/releases.h"
#include "tests/support/catch.h"
#include "tests/support/engine_proxy.h"
#include "tests/support/http_engine.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;
constexpr auto kLongest = 5s;

struct Node {
  TemporaryDirectory directory;
  HttpEngine engine{directory / "engine.sock"};
  EngineProxy proxy{directory / "proxy.sock", engine.docker_host()};
  NodeRig rig{engine.docker_host()};

  Node() { rig.agent_engine = proxy.docker_host(); }

  void apply(const WebStack& stack) {
    rig.publish(web_manifest(rig, stack));
    const bool applied = rig.wait([&] { return rig.applied(); });
    INFO(rig.log());
    REQUIRE(applied);
  }
  // The next request whose target holds this, and all after it, get no answer.
  void hang_at(const std::string& target) {
    proxy.intercept([this, target](const EngineRequest& request) -> std::optional<std::string> {
      if (request.target.find(target) != std::string::npos) {
        proxy.delay(10min);
        hung = true;
      }
      return std::nullopt;
    });
  }
  std::atomic<bool> hung = false;

  void check_stops(const char* state) {
    const auto took = rig.stop_agent();
    INFO(state << "\n" << rig.log());
    REQUIRE(took);
    std::cout << "stop, " << state << ": " << took->count() << " ms\n" << std::flush;
    CHECK(*took < kLongest);
    CHECK(rig.agent().wait(0ms) == 0);
  }
};

// Makes the agent's next write wait, on its loop thread, as a slow disk does: holds the lock of a database's
// writer (byte 120 of the log's index, https://www.sqlite.org/walformat.html#locks).
class HeldStore {
 public:
  explicit HeldStore(const std::filesystem::path& data_directory)
      : fd_(::open((data_directory / "agent.db-shm").c_str(), O_RDWR | O_CLOEXEC)) {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = 120;
    lock.l_len = 1;
    REQUIRE(::fcntl(fd_, F_SETLKW, &lock) == 0);
  }
  ~HeldStore() { ::close(fd_); }
  HeldStore(const HeldStore&) = delete;
  HeldStore& operator=(const HeldStore&) = delete;

 private:
  int fd_;
};

TEST_CASE("it stops in time when it is idle", "[stop]") {
  Node node;
  node.rig.start_agent();
  node.apply({});
  node.check_stops("idle");
}

TEST_CASE("it stops in time with an engine that never answers", "[stop]") {
  Node node;
  const BlackHole hole(node.directory / "hole.sock");
  node.rig.agent_engine = "unix://" + (node.directory / "hole.sock").string();
  node.rig.start_agent();
  REQUIRE(node.rig.wait([&] { return hole.reached(); }));
  node.check_stops("engine never answers");
}

TEST_CASE("it stops in time with a broker that never answers", "[stop]") {
  Node node;
  const BlackHole hole;
  node.rig.broker_url = "mqtt://127.0.0.1:" + std::to_string(hole.port());
  node.rig.start_agent();
  REQUIRE(node.rig.wait([&] { return hole.reached(); }));
  node.check_stops("broker never answers");
}

TEST_CASE("it stops in time with a broker of an unknown name", "[stop]") {
  Node node;
  NotifySocket manager(node.directory / "notify");
  node.rig.environment["NOTIFY_SOCKET"] = manager.name();
  node.rig.broker_url = "mqtt://broker.invalid:1883";
  node.rig.start_agent();
  REQUIRE(node.rig.wait([&] { return manager.has("READY=1"); }));
  node.check_stops("broker of an unknown name");
}

TEST_CASE("it stops in time with a broker that hangs while it is connected", "[stop]") {
  Node node;
  node.rig.start_agent();
  node.apply({});
  node.rig.broker().signal(SIGSTOP);
  node.check_stops("broker hangs");
  node.rig.broker().signal(SIGCONT);
}

TEST_CASE("it stops in time in the middle of a pull", "[stop]") {
  Node node;
  node.hang_at("/images/create");
  node.rig.start_agent();
  node.rig.publish(web_manifest(node.rig, {.app_image = "absent:1"}));
  REQUIRE(node.rig.wait([&] { return node.hung.load(); }));
  node.check_stops("in a pull");
}

TEST_CASE("it stops in time while the engine stops a container", "[stop]") {
  Node node;
  node.rig.start_agent();
  node.apply({});
  node.hang_at("/stop");
  node.rig.publish(web_manifest(node.rig, {.app = "2"}));
  REQUIRE(node.rig.wait([&] { return node.hung.load(); }));
  node.check_stops("in a long stop of a container");
}

TEST_CASE("it stops in time while it waits for its store", "[stop]") {
  Node node;
  node.rig.start_agent();
  node.apply({});
  const HeldStore held(node.rig.data_directory);
  node.rig.publish(web_manifest(node.rig, {.app = "2"}));
  node.rig.wait([] { return false; }, 500ms);
  node.check_stops("store does not answer");
}

TEST_CASE("it stops in time while it starts", "[stop]") {
  Node node;
  for (int i = 0; i < 10; ++i) {
    node.rig.start_agent();
    node.rig.wait([] { return false; }, std::chrono::milliseconds(4 * i));
    const auto took = node.rig.stop_agent();
    REQUIRE(took);
    CHECK(*took < kLongest);
  }
}

TEST_CASE("the service manager is told, and pinged by the loop alone", "[notify]") {
  Node node;
  const bool is_abstract = GENERATE(false, true);
  CAPTURE(is_abstract);
  NotifySocket manager(is_abstract ? std::filesystem::path("@hivemind-test-" + node.rig.node())
                                   : node.directory / "notify");
  node.rig.environment = {{"NOTIFY_SOCKET", manager.name()}, {"WATCHDOG_USEC", "200000"}};
  node.rig.start_agent();
  REQUIRE(node.rig.wait([&] { return manager.has("READY=1"); }));
  CHECK(manager.has("STATUS=runs as node '" + node.rig.node() + "'"));
  CHECK(node.rig.wait([&] { return manager.count("WATCHDOG=1") >= 5; }, 3s));

  node.rig.agent().signal(SIGSTOP);
  node.rig.wait([] { return false; }, 100ms);
  const int before = manager.count("WATCHDOG=1");
  node.rig.wait([] { return false; }, 600ms);
  CHECK(manager.count("WATCHDOG=1") == before);
  node.rig.agent().signal(SIGCONT);
  CHECK(node.rig.wait([&] { return manager.count("WATCHDOG=1") > before; }, 3s));

  node.apply({});
  {
    const HeldStore held(node.rig.data_directory);
    node.rig.publish(web_manifest(node.rig, {.app = "2"}));
    int stuck = 0;
    const auto is_stuck = [&] {
      const int last = std::exchange(stuck, manager.count("WATCHDOG=1"));
      if (stuck == last) return true;
      node.rig.wait([] { return false; }, 400ms);  // time for four pings
      return false;
    };
    REQUIRE(node.rig.wait(is_stuck, 5s));
    node.rig.wait([] { return false; }, 600ms);
    CHECK(manager.count("WATCHDOG=1") == stuck);  // Paho's threads run on, and feed no watchdog
  }
  CHECK(node.rig.wait([&] { return node.rig.applied(); }));
  node.check_stops("under a service manager");
  CHECK(node.rig.wait([&] { return manager.has("STOPPING=1"); }, 1s));
}

TEST_CASE("a watchdog that is meant for another process is not fed", "[notify]") {
  Node node;
  NotifySocket manager(node.directory / "notify");
  node.rig.environment = {
      {"NOTIFY_SOCKET", manager.name()}, {"WATCHDOG_USEC", "100000"}, {"WATCHDOG_PID", "1"}};
  node.rig.start_agent();
  REQUIRE(node.rig.wait([&] { return manager.has("READY=1"); }));
  node.rig.wait([] { return false; }, 500ms);
  CHECK(manager.count("WATCHDOG=1") == 0);
}

}  // namespace
}  // namespace hivemind::tests
