#include <chrono>
#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/fleet.h"
#include "tests/support/tls_broker.h"

using namespace hivemind;
using namespace std::chrono_literals;
using tests::Fleet;

namespace {

// The emulator and its agent, as CTest says.
std::vector<std::string> emulated_agent() {
  const char* words = std::getenv("HIVEMIND_TEST_AGENT");
  if (words == nullptr) throw std::runtime_error("HIVEMIND_TEST_AGENT names no agent");
  std::istringstream text(words);
  std::vector<std::string> command;
  for (std::string word; text >> word;) command.push_back(word);
  return command;
}

void commit(Fleet& fleet, const std::string& compose_file) {
  fleet.repository()
      .write("web.yml", compose_file)
      .write("stacks.yml", "stacks:\n" + stack_entry(fleet, "web"))
      .commit();
}

// A broker with TLS, a hub at it, and the emulated agent, which finds both by a name of /etc/hosts.
class EmulatedNode {
 public:
  EmulatedNode() {
    fleet_.start_hub({.data_directory = {}, .git_url = {}, .flags = {"--broker-url", broker_.plain_url()}});
    Fleet::AgentOptions options;
    options.program = emulated_agent();
    options.broker_url = broker_.tls_url("localhost");
    options.flags = {"--broker-ca", broker_.ca_file()};
    fleet_.start_agent("board", options);
  }
  Fleet& fleet() { return fleet_; }
  std::string version_of(const std::string& service) {
    return fleet_.engine().variable(fleet_.container("web", service), "VERSION");
  }

 private:
  tests::TlsBroker broker_;
  Fleet fleet_;
};

}  // namespace

TEST_CASE("an agent of another architecture applies, updates and removes over TLS") {
  EmulatedNode node;
  commit(node.fleet(), tests::compose({{"a", "1"}, {"b", "1"}}));
  node.fleet().converge();
  CHECK(node.version_of("a") == "1");
  const auto first = node.fleet().containers("board");

  commit(node.fleet(), tests::compose({{"a", "2"}, {"b", "1"}}));
  node.fleet().converge();
  CHECK(node.version_of("a") == "2");
  const std::string b = node.fleet().container("web", "b");
  CHECK(node.fleet().containers("board").at(b) == first.at(b));  // untouched

  commit(node.fleet(), tests::compose({{"b", "1"}}));
  node.fleet().converge();
  // What the release before had is kept until the new one is good, stopped and under another name.
  CHECK(tests::wait_until([&] { return node.fleet().containers("board").size() == 1; }, 60s));
  CHECK(node.fleet().containers("board").at(b) == first.at(b));
  node.fleet().stop_agent("board");
}

TEST_CASE("an agent of another architecture brings the good release back when the new one exits") {
  EmulatedNode node;
  const auto release = [](const std::string& version) {
    return "x-hivemind: {soak: 2s}\nservices:\n  a:\n    image: " + tests::test_image() +
           "\n    environment:\n      VERSION: \"" + version + "\"\n";
  };
  commit(node.fleet(), release("1"));
  node.fleet().converge();
  const std::string a = node.fleet().container("web", "a");
  const auto is_good = [&] {
    const nlohmann::json state = node.fleet().node_state("board");
    const nlohmann::json& stacks = state.at("stack_reports");
    return !stacks.empty() && !stacks.at(0).value("good_digest", "").empty();
  };
  REQUIRE(tests::wait_until(is_good, 60s));
  const std::string good = node.fleet().containers("board").at(a).id;

  std::string bad = release("2");
  bad += "    entrypoint: [\"/hivemind-test-has-no-such-program\"]\n";
  commit(node.fleet(), bad);
  node.fleet().cli({"sync"});
  const auto is_back = [&] {
    const auto state = node.fleet().node_state("board");
    const auto containers = node.fleet().containers("board");
    return state.dump().find("rolled_back") != std::string::npos && containers.contains(a) &&
           containers.at(a).id == good && containers.at(a).state == "running";
  };
  const bool came_back = tests::wait_until(is_back, 60s);
  INFO(node.fleet().logs());
  CHECK(came_back);
}
