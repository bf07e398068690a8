// A real hub over TLS, its embedded broker that wants certificates, and agents that enrol.
#include <chrono>
#include <string>
#include <vector>

#include "common/file.h"
#include "tests/support/catch.h"
#include "tests/support/fleet.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

void commit_version(Fleet& fleet, const std::string& version) {
  fleet.repository().write("web.yml", compose({{"app", version}}));
  fleet.repository().write("stacks.yml",
                           "stacks:\n" + stack_entry(fleet, "web", "    nodes: {site: here}\n"));
  fleet.repository().commit();
}

std::string log_of(const Fleet& fleet, const std::string& name) {
  return read_file(fleet.directory() / ("agent-" + name + ".log"));
}

void start(Fleet& fleet, const std::string& name) {
  Fleet::AgentOptions options;
  options.is_enrolled = true;
  fleet.start_agent(name, options);
}

void enrol(Fleet& fleet, const std::string& name, const std::string& token,
           const std::vector<std::string>& more = {}) {
  const Outcome outcome = fleet.enrol(name, token, more);
  INFO(outcome.output << outcome.errors << fleet.logs());
  REQUIRE(outcome.exit_code == 0);
}

void start_secure_hub(Fleet& fleet, const std::vector<std::string>& flags = {}) {
  Fleet::HubOptions options;
  options.is_secure = true;
  options.flags = flags;
  fleet.start_hub(options);
}

bool online(const Fleet& fleet, const std::string& name) {
  try {
    return fleet.node_state(name).at("online").get<bool>();
  } catch (const std::exception&) {
    return false;
  }
}

TEST_CASE("a machine enrols with a token and runs what its labels say, also after a start without its hub",
          "[enrol]") {
  Fleet fleet;
  commit_version(fleet, "1");
  start_secure_hub(fleet);
  const std::string token = fleet.make_token({"--id", fleet.node("a"), "--label", "site=here"});
  enrol(fleet, "a", token);
  start(fleet, "a");
  fleet.converge();
  const auto before = fleet.containers("a");
  CHECK(before.size() == 1);
  // The token was for one.
  CHECK(fleet.enrol("b", token).exit_code == 5);
  // Without hub and broker, from the store.
  fleet.kill_agent("a");
  fleet.kill_hub();
  fleet.kill_broker();
  for (const auto& [name, container] : before) fleet.engine().stop(container.id);
  start(fleet, "a");
  CHECK(wait_until([&] { return fleet.containers("a").size() == 1; }, 20s));
}

// All nodes have one engine here, where a container's name is taken once.
void commit_stack_for_each(Fleet& fleet, const std::vector<std::string>& names) {
  std::string stacks = "stacks:\n";
  for (const std::string& name : names) {
    fleet.repository().write("web-" + name + ".yml", compose({{"app", "1"}}));
    stacks += stack_entry(fleet, "web-" + name, "    nodes: {ids: [" + fleet.node(name) + "]}\n");
  }
  fleet.repository().write("stacks.yml", stacks);
  fleet.repository().commit();
}

TEST_CASE("a token for several makes several nodes, and one that asks for approval none before it is given",
          "[enrol]") {
  Fleet fleet;
  commit_stack_for_each(fleet, {"a", "b", "c", "d"});
  start_secure_hub(fleet);
  const std::string bulk = fleet.make_token({"--uses", "3", "--label", "site=here"});
  for (const char* name : {"a", "b", "c"}) {
    enrol(fleet, name, bulk, {"--node", fleet.node(name)});
    start(fleet, name);
  }
  fleet.converge();
  for (const char* name : {"a", "b", "c"}) CHECK(fleet.containers(name).size() == 1);

  const std::string waits = fleet.make_token({"--id", fleet.node("d"), "--approve", "--label", "site=here"});
  const Outcome early = fleet.enrol("d", waits, {"--wait", "0s"});
  INFO(early.errors);
  CHECK(early.exit_code == 6);
  const Outcome approved = fleet.cli({"node", "approve", fleet.node("d")});
  INFO(approved.output << approved.errors);
  REQUIRE(approved.exit_code == 0);
  enrol(fleet, "d", waits);
  start(fleet, "d");
  fleet.converge();
  CHECK(fleet.containers("d").size() == 1);
}

TEST_CASE("a node that is revoked loses its connection, says why, and its workloads go on", "[enrol]") {
  Fleet fleet;
  commit_version(fleet, "1");
  start_secure_hub(fleet);
  enrol(fleet, "a", fleet.make_token({"--id", fleet.node("a"), "--label", "site=here"}));
  start(fleet, "a");
  fleet.converge();
  const auto before = fleet.containers("a");
  const Outcome revoked = fleet.cli({"node", "revoke", fleet.node("a")});
  INFO(revoked.output << revoked.errors);
  REQUIRE(revoked.exit_code == 0);
  CHECK(wait_until(
      [&] { return log_of(fleet, "a").find("has revoked this node's certificate") != std::string::npos; },
      30s));
  INFO(log_of(fleet, "a"));
  CHECK(fleet.agent_process("a").running());
  auto after = fleet.containers("a");
  REQUIRE(after.size() == before.size());
  for (const auto& [name, container] : before) CHECK(after[name].id == container.id);
}

TEST_CASE("new hardware takes over a node's id", "[enrol]") {
  Fleet fleet;
  commit_version(fleet, "1");
  start_secure_hub(fleet);
  enrol(fleet, "a", fleet.make_token({"--id", fleet.node("a"), "--label", "site=here"}));
  start(fleet, "a");
  fleet.converge();
  fleet.kill_agent("a");
  fs::rename(fleet.agent_data("a"), fleet.directory() / "dead");
  const Outcome made = fleet.cli({"node", "replace", fleet.node("a")});
  INFO(made.output << made.errors);
  REQUIRE(made.exit_code == 0);
  const std::size_t at = made.output.find("hm1.");
  REQUIRE(at != std::string::npos);
  enrol(fleet, "a", made.output.substr(at, made.output.find_first_of(" \n\"'", at) - at));
  start(fleet, "a");
  CHECK(wait_until([&] { return online(fleet, "a"); }, 20s));
  fleet.converge();
}

TEST_CASE("a certificate is renewed while a release is applied", "[enrol]") {
  Fleet fleet;
  commit_version(fleet, "1");
  // 30 s; renewed after 20 to 21.
  start_secure_hub(fleet, {"--node-certificate-days", "0.000347222"});
  enrol(fleet, "a", fleet.make_token({"--id", fleet.node("a"), "--label", "site=here"}));
  start(fleet, "a");
  fleet.converge();
  const std::string first = read_file(fleet.agent_data("a") / "identity" / "client.pem");
  int version = 2;
  CHECK(wait_until(
      [&] {
        commit_version(fleet, std::to_string(version++));
        fleet.converge();
        return read_file(fleet.agent_data("a") / "identity" / "client.pem") != first;
      },
      60s));
  CHECK(wait_until([&] { return online(fleet, "a"); }, 20s));
  fleet.converge();
  INFO(log_of(fleet, "a"));
  CHECK_THAT(log_of(fleet, "a"), ContainsSubstring("certificate_renewed"));
  CHECK(fleet.containers("a").size() == 1);
}

}  // namespace
}  // namespace hivemind::tests
