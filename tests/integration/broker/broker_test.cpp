#include "hub/broker/broker.h"

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/error.h"
#include "common/file.h"
#include "tests/support/catch.h"
#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

namespace hivemind::hub {
namespace {

using namespace std::chrono_literals;
using tests::ContainsSubstring;
using tests::TemporaryDirectory;

struct Fixture {
  TemporaryDirectory directory;
  int port = tests::free_port();
  boost::asio::io_context loop;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{loop.get_executor()};
  int ups = 0;
  std::vector<std::string> downs;

  std::string listen() const { return "127.0.0.1:" + std::to_string(port); }
  Broker::Callbacks callbacks() {
    return {[this] { ++ups; }, [this](const std::string& why) { downs.push_back(why); }};
  }
  std::unique_ptr<Broker> broker() {
    return std::make_unique<Broker>(loop.get_executor(), BrokerOptions{directory / "broker", listen()},
                                    callbacks());
  }

  bool run_until(const std::function<bool()>& condition, std::chrono::milliseconds longest = 10s) {
    const auto deadline = std::chrono::steady_clock::now() + longest;
    while (!condition() && std::chrono::steady_clock::now() < deadline) loop.run_for(5ms);
    return condition();
  }

  pid_t pid() const {
    std::ifstream file(directory / "broker" / "mosquitto.pid");
    pid_t pid = 0;
    file >> pid;
    return pid;
  }
  std::filesystem::path database() const { return directory / "broker" / "mosquitto.db"; }

  void publish(const std::string& topic, const std::string& payload) const {
    const tests::Outcome outcome = tests::run({"mosquitto_pub", "-h", "127.0.0.1", "-p", std::to_string(port),
                                               "-q", "1", "-r", "-t", topic, "-m", payload});
    if (outcome.exit_code != 0) throw std::runtime_error(outcome.errors);
  }
  std::string retained(const std::string& topic) const {
    return tests::run({"mosquitto_sub", "-h", "127.0.0.1", "-p", std::to_string(port), "-W", "10", "-C", "1",
                       "-t", topic})
        .output;
  }
  void stop(Broker& broker) {
    bool stopped = false;
    broker.stop([&] { stopped = true; });
    if (!run_until([&] { return stopped; })) throw std::runtime_error("the broker does not stop");
  }
};

bool alive(pid_t pid) {
  return ::kill(pid, 0) == 0;
}

TEST_CASE("the broker starts, takes messages and stops") {
  Fixture f;
  const auto broker = f.broker();
  broker->start();
  REQUIRE(f.run_until([&] { return broker->running(); }));
  CHECK(f.ups == 1);
  CHECK(broker->url() == "mqtt://" + f.listen());
  f.publish("topic", "message");
  CHECK(f.retained("topic") == "message\n");
  const pid_t pid = f.pid();
  CHECK(alive(pid));
  f.stop(*broker);
  CHECK(!alive(pid));
  CHECK(!broker->running());
  CHECK(f.downs.empty());
}

TEST_CASE("retained messages are there after a stop and a start") {
  Fixture f;
  auto broker = f.broker();
  broker->start();
  REQUIRE(f.run_until([&] { return broker->running(); }));
  f.publish("topic", "message");
  f.stop(*broker);
  broker = f.broker();
  broker->start();
  REQUIRE(f.run_until([&] { return broker->running(); }));
  CHECK(f.retained("topic") == "message\n");
}

TEST_CASE("a broker that is killed is started again at once, with what was saved") {
  Fixture f;
  const auto broker = f.broker();
  broker->start();
  REQUIRE(f.run_until([&] { return broker->running(); }));
  f.publish("topic", "message");
  broker->save();
  REQUIRE(f.run_until([&] { return std::filesystem::exists(f.database()); }));
  const pid_t killed = f.pid();
  ::kill(killed, SIGKILL);
  REQUIRE(f.run_until([&] { return f.ups == 2; }));
  CHECK(f.pid() != killed);
  REQUIRE(f.downs.size() == 1);
  CHECK_THAT(f.downs[0], ContainsSubstring("killed by signal 9"));
  CHECK(f.retained("topic") == "message\n");
}

TEST_CASE("many calls to save make one write a second") {
  Fixture f;
  const auto broker = f.broker();
  broker->start();
  REQUIRE(f.run_until([&] { return broker->running(); }));
  for (int i = 0; i < 1000; ++i) broker->save();
  REQUIRE(f.run_until([&] { return std::filesystem::exists(f.database()); }));
  const auto first = std::filesystem::last_write_time(f.database());
  // The calls after the first one are kept, and made good a second later.
  CHECK(f.run_until([&] { return std::filesystem::last_write_time(f.database()) > first; }, 10s));
  CHECK(broker->running());
}

TEST_CASE("a port that another process has is told, and taken once it is free") {
  Fixture f;
  std::optional<tests::Process> other(std::vector<std::string>{"mosquitto", "-p", std::to_string(f.port)});
  REQUIRE(tests::wait_until(
      [&] {
        try {
          f.publish("x", "y");
          return true;
        } catch (const std::exception&) {
          return false;
        }
      },
      20s));
  const auto broker = f.broker();
  broker->start();
  REQUIRE(f.run_until([&] { return !f.downs.empty(); }));
  CHECK_THAT(f.downs[0], ContainsSubstring("taken by another process"));
  CHECK_THAT(f.downs[0], ContainsSubstring(f.listen()));
  CHECK(f.ups == 0);
  CHECK(other->running());  // it is not ours to end
  other.reset();
  CHECK(f.run_until([&] { return f.ups == 1; }));
}

TEST_CASE("the broker does not outlive a hub that is killed") {
  Fixture f;
  const std::string output = f.directory / "output";
  tests::Process host({BROKER_HOST, f.directory / "broker", f.listen()}, {output, {}});
  REQUIRE(tests::wait_until(
      [&] { return std::filesystem::exists(output) && read_file(output).find("up\n") != std::string::npos; },
      10s));
  const pid_t pid = f.pid();
  REQUIRE(alive(pid));
  f.publish("topic", "message");
  host.kill();
  CHECK(tests::wait_until([&] { return !alive(pid); }, 20s));
  // It was asked to end, not killed: what it had is on the disk.
  const auto broker = f.broker();
  broker->start();
  REQUIRE(f.run_until([&] { return broker->running(); }));
  CHECK(f.retained("topic") == "message\n");
}

TEST_CASE("a broker that an earlier hub left running is ended first") {
  Fixture f;
  auto first = f.broker();
  first->start();
  REQUIRE(f.run_until([&] { return first->running(); }));
  f.stop(*first);
  const std::string configuration = f.directory / "broker" / "mosquitto.conf";
  tests::Process leftover({"mosquitto", "-c", configuration});
  std::ofstream(f.directory / "broker" / "mosquitto.pid") << leftover.pid() << '\n';
  REQUIRE(tests::wait_until([&] { return !f.retained("$SYS/broker/version").empty(); }, 20s));
  const auto broker = f.broker();
  broker->start();
  REQUIRE(f.run_until([&] { return broker->running(); }));
  CHECK(!leftover.running());
  CHECK(f.downs.empty());
}

TEST_CASE("a pid file that names somebody else's process ends nobody") {
  Fixture f;
  tests::Process bystander({"sleep", "60"});
  std::filesystem::create_directories(f.directory / "broker");
  for (const std::string& text :
       {std::to_string(bystander.pid()) + "\n", std::string("1\n"), std::string("-1\n"),
        std::string("nonsense"), std::string("99999999999999\n")}) {
    std::ofstream(f.directory / "broker" / "mosquitto.pid") << text;
    const auto broker = f.broker();
    broker->start();
    CHECK(f.run_until([&] { return broker->running(); }));
    f.stop(*broker);
  }
  CHECK(bystander.running());
}

TEST_CASE("destroying a running broker ends its process") {
  Fixture f;
  auto broker = f.broker();
  broker->start();
  REQUIRE(f.run_until([&] { return broker->running(); }));
  const pid_t pid = f.pid();
  broker.reset();
  CHECK(!alive(pid));
  f.loop.run_for(50ms);
  CHECK(f.downs.empty());
}

TEST_CASE("the broker may open as many descriptors as this process may be given") {
  Fixture f;
  const auto broker = f.broker();
  broker->start();
  REQUIRE(f.run_until([&] { return broker->running(); }));
  rlimit ours{};
  rlimit its{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &ours) == 0);
  REQUIRE(::prlimit(f.pid(), RLIMIT_NOFILE, nullptr, &its) == 0);
  CHECK(its.rlim_cur >= ours.rlim_max);
}

TEST_CASE("the broker inherits nothing that the hub has open") {
  // As the hub's own listening socket is: without O_CLOEXEC.
  const int ours = ::open("/dev/zero", O_RDONLY);
  Fixture f;
  const auto broker = f.broker();
  broker->start();
  REQUIRE(f.run_until([&] { return broker->running(); }));
  for (const auto& entry : std::filesystem::directory_iterator(fmt::format("/proc/{}/fd", f.pid()))) {
    std::error_code gone;
    CHECK(std::filesystem::read_symlink(entry.path(), gone) != "/dev/zero");
  }
  ::close(ours);
}

TEST_CASE("what the embedded broker cannot be is told when it is made") {
  Fixture f;
  const auto make = [&](const std::string& listen) {
    Broker(f.loop.get_executor(), BrokerOptions{f.directory / "broker", listen}, {});
  };
  CHECK_THROWS_AS(make("127.0.0.1:0"), Error);
  CHECK_THROWS_AS(make("0.0.0.0:1883"), Error);
  CHECK_THROWS_AS(make("127.example.org:1883"), Error);  // a name like any other
  CHECK_THROWS_AS(make("nonsense"), Error);
}

}  // namespace
}  // namespace hivemind::hub
