// Windows are kept by the node's own clock, with or without a hub. libfaketime moves that clock.
#include <chrono>
#include <filesystem>
#include <string>

#include <fmt/format.h>

#include "tests/support/catch.h"
#include "tests/support/fleet.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;

std::string faketime() {
  for (const char* machine : {"x86_64-linux-gnu", "aarch64-linux-gnu", "arm-linux-gnueabihf"}) {
    const std::string place = fmt::format("/usr/lib/{}/faketime/libfaketime.so.1", machine);
    if (std::filesystem::exists(place)) return place;
  }
  return "";
}

// Minutes since 1970 of the system's clock.
std::int64_t minute_now() {
  return std::chrono::floor<std::chrono::minutes>(std::chrono::system_clock::now())
      .time_since_epoch()
      .count();
}

std::string clock_text(std::int64_t minute) {
  return fmt::format("{:02}:{:02}", minute / 60 % 24, minute % 60);
}

// A node with version 1 of a stack, and version 2 that waits for a window of one minute.
class Waiting {
 public:
  explicit Waiting(std::int64_t opens) {
    commit("1", "always");
    fleet.start_hub();
    fleet.start_agent("a");
    fleet.converge();
    REQUIRE(wait_until([&] { return stack().at("good_digest") == stack().at("desired_digest"); }, 20s));
    commit("2", clock_text(opens) + "-" + clock_text(opens + 1));
    fleet.cli({"sync"});
    REQUIRE(wait_until([&] { return stack().at("reason") == "window_closed"; }, 20s));
    CHECK_THAT(stack().at("text").get<std::string>(),
               ContainsSubstring("which opens on") && ContainsSubstring(clock_text(opens)));
  }

  void commit(const std::string& version, const std::string& window) {
    fleet.repository().write("web.yml", "x-hivemind: {soak: 1s, window: \"" + window +
                                            "\"}\nservices:\n  app:\n    image: " + test_image() +
                                            "\n    stop_grace_period: 1s\n    environment: {VERSION: \"" +
                                            version + "\"}\n");
    fleet.repository().write("stacks.yml", "stacks:\n" + stack_entry(fleet, "web")).commit();
  }
  // clock: as FAKETIME has it.
  void restart_agent(const std::string& clock) {
    fleet.kill_agent("a");
    Fleet::AgentOptions options;
    options.program = {"/usr/bin/env", "LD_PRELOAD=" + faketime(), "FAKETIME=" + clock,
                       "FAKETIME_DONT_FAKE_MONOTONIC=1", std::string(HIVEMIND_BIN) + "/hivemind-agent"};
    fleet.start_agent("a", options);
  }
  // One that says nothing while the node has not looked yet.
  nlohmann::json stack() const {
    const nlohmann::json none{{"reason", ""}, {"text", ""}, {"good_digest", ""}, {"desired_digest", "-"}};
    const nlohmann::json reports = fleet.node_state("a").at("stack_reports");
    return reports.empty() ? none : reports.at(0);
  }
  std::string version() const {
    const std::string app = fleet.container("web", "app");
    return fleet.containers("a").contains(app) ? fleet.engine().variable(app, "VERSION") : "";
  }

  Fleet fleet;
};

TEST_CASE("a window opens by the node's own clock, while there is no hub", "[windows]") {
  if (faketime().empty()) {
    WARN("no libfaketime here (deploy/dependencies.sh test)");
    return;
  }
  const std::int64_t opens = minute_now() + 3;
  Waiting it(opens);
  it.fleet.stop_hub();
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto left = opens * 60 - std::chrono::duration_cast<std::chrono::seconds>(now).count();
  REQUIRE(left > 20);
  it.restart_agent(fmt::format("+{}s", left - 15));
  CHECK_FALSE(wait_until([&] { return it.version() == "2"; }, 3s));
  CHECK(wait_until([&] { return it.version() == "2"; }, 40s));
}

TEST_CASE("a node whose clock stands at 1970 waits, unless an operator says otherwise", "[windows]") {
  if (faketime().empty()) {
    WARN("no libfaketime here (deploy/dependencies.sh test)");
    return;
  }
  Waiting it(minute_now() + 12 * 60);
  if (it.fleet.node_state("a").at("clock").at("synchronised") == true) {
    WARN("the kernel says that its clock is set, so 1970 is taken for the time");
    return;
  }
  it.restart_agent("@1970-01-01 00:00:05");
  REQUIRE(wait_until([&] { return it.stack().at("reason") == "clock_unset"; }, 20s));
  CHECK(it.version() == "1");
  CHECK(wait_until(
      [&] {
        return it.fleet.cli({"apply", "--now", it.fleet.node("a"), it.fleet.stack("web")}).exit_code == 0;
      },
      10s));
  CHECK(wait_until([&] { return it.version() == "2"; }, 20s));
}

}  // namespace
}  // namespace hivemind::tests
