// What comes over the network and is not to be believed.
#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "common/file.h"
#include "tests/support/catch.h"
#include "tests/support/fleet.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;

std::string manifest_topic(const Fleet& fleet, const std::string& name) {
  return "hivemind/v1/nodes/" + fleet.node(name) + "/manifest";
}

void publish(const Fleet& fleet, const std::string& name, const std::string& payload) {
  const auto file = fleet.directory() / "payload";
  write_file_durably(file, payload, 0600);
  const Outcome outcome = run({"mosquitto_pub", "-h", "127.0.0.1", "-p", std::to_string(fleet.broker_port()),
                               "-q", "1", "-r", "-t", manifest_topic(fleet, name), "-f", file});
  INFO(outcome.errors);
  REQUIRE(outcome.exit_code == 0);
}

// The retained manifest as it stands at the broker.
std::string retained(const Fleet& fleet, const std::string& name) {
  const Outcome outcome = run({"mosquitto_sub", "-h", "127.0.0.1", "-p", std::to_string(fleet.broker_port()),
                               "-q", "1", "-C", "1", "-W", "10", "-N", "-t", manifest_topic(fleet, name)});
  INFO(outcome.errors);
  REQUIRE(outcome.exit_code == 0);
  return outcome.output;
}

void commit_version(Fleet& fleet, const std::string& version) {
  fleet.repository()
      .write("web.yml", compose({{"app", version}}))
      .write("b.yml", compose({{"app", version}}));
  const auto only = [&](const std::string& name) { return "    nodes: {ids: [" + fleet.node(name) + "]}\n"; };
  fleet.repository().write(
      "stacks.yml", "stacks:\n" + stack_entry(fleet, "web", only("a")) + stack_entry(fleet, "b", only("b")));
  fleet.repository().commit();
}

TEST_CASE("a manifest that is forged, cut, old or for another node is refused and changes nothing",
          "[refused]") {
  Fleet fleet;
  commit_version(fleet, "1");
  fleet.start_hub();
  fleet.start_agent("a");
  fleet.start_agent("b");
  fleet.converge();
  const std::string old = retained(fleet, "a");
  commit_version(fleet, "2");
  fleet.converge();
  const std::string current = retained(fleet, "a");
  REQUIRE(old != current);
  const auto before = fleet.containers("a");
  const auto generation = fleet.node_state("a").at("applied").at("generation");

  std::string flipped = current;
  flipped[flipped.size() / 2] = static_cast<char>(flipped[flipped.size() / 2] ^ 1);
  struct Bad {
    std::string payload;
    std::vector<std::string> reasons;
  };
  const std::vector<Bad> all = {
      {"no manifest at all", {"malformed", "signature_refused"}},
      {current.substr(0, current.size() / 2), {"malformed", "signature_refused"}},
      {flipped, {"signature_refused", "malformed"}},
      {retained(fleet, "b"), {"wrong_node"}},
      {old, {"older_generation"}},
      {std::string(100'000, '\xff'), {"malformed", "signature_refused"}},
  };
  for (std::size_t i = 0; i < all.size(); ++i) {
    CAPTURE(i);
    publish(fleet, "a", all[i].payload);
    const auto told = [&] {
      const auto reason = fleet.node_state("a").at("reason").get<std::string>();
      return std::find(all[i].reasons.begin(), all[i].reasons.end(), reason) != all[i].reasons.end();
    };
    CHECK(wait_until(told, 10s));
    INFO(fleet.node_state("a").dump(2));
    CHECK(fleet.containers("a") == before);
    CHECK(fleet.node_state("a").at("applied").at("generation") == generation);
    CHECK(fleet.agent_process("a").running());
  }

  // With the forgery still retained, a restart goes by the agent's own store, and the next commit arrives.
  fleet.kill_agent("a");
  fleet.restart_agent("a");
  commit_version(fleet, "3");
  fleet.converge();
  CHECK(fleet.engine().variable(fleet.container("web", "app"), "VERSION") == "3");
}

// What passes over the broker, each message on a line or as it is.
class Listener {
 public:
  Listener(const Fleet& fleet, const std::string& name, std::vector<std::string> more)
      : file_(fleet.directory() / name), process_(command(fleet, std::move(more)), {file_, {}}) {}

  std::string heard() const { return std::filesystem::exists(file_) ? read_file(file_) : ""; }
  long lines() const {
    const std::string text = heard();
    return std::count(text.begin(), text.end(), '\n');
  }

 private:
  static std::vector<std::string> command(const Fleet& fleet, std::vector<std::string> more) {
    std::vector<std::string> all{
        "mosquitto_sub", "-h", "127.0.0.1", "-p", std::to_string(fleet.broker_port()), "-q", "1"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  std::filesystem::path file_;
  Process process_;
};

void send_command(const Fleet& fleet, const std::string& name, const std::string& payload) {
  const auto file = fleet.directory() / "command";
  write_file_durably(file, payload, 0600);
  const Outcome outcome =
      run({"mosquitto_pub", "-h", "127.0.0.1", "-p", std::to_string(fleet.broker_port()), "-q", "1", "-t",
           "hivemind/v1/nodes/" + fleet.node(name) + "/command", "-f", file});
  INFO(outcome.errors);
  REQUIRE(outcome.exit_code == 0);
}

TEST_CASE("a command that is forged, cut, changed, replayed or for another node is not done", "[refused]") {
  Fleet fleet;
  commit_version(fleet, "1");
  fleet.start_hub();
  fleet.start_agent("a");
  fleet.start_agent("b");
  fleet.converge();
  const auto before = fleet.containers("a");
  const auto before_b = fleet.containers("b");
  const Listener recorder(fleet, "recorded",
                          {"-C", "1", "-N", "-t", "hivemind/v1/nodes/" + fleet.node("a") + "/command"});
  const Listener replies(fleet, "replies", {"-F", "%t", "-t", "hivemind/v1/nodes/+/replies/+"});
  const auto retry = [&] { return fleet.cli({"retry", fleet.node("a")}).exit_code == 0; };
  // Until both listen.
  REQUIRE(wait_until([&] { return retry() && !recorder.heard().empty() && replies.lines() > 0; }, 20s));
  const std::string recorded = recorder.heard();
  const auto settled = [&] {
    const long lines = replies.lines();
    return retry() && wait_until([&] { return replies.lines() == lines + 1; }, 5s);
  };
  REQUIRE(wait_until(settled, 20s));
  const long answered = replies.lines();

  std::vector<std::string> bad{recorded,
                               recorded.substr(0, recorded.size() / 2),
                               "no command at all",
                               std::string(100'000, '\xff'),
                               retained(fleet, "a"),
                               recorded + recorded};
  for (std::size_t at = 0; at < recorded.size(); at += recorded.size() / 8) {
    bad.push_back(recorded);
    bad.back()[at] = static_cast<char>(bad.back()[at] ^ 1);
  }
  for (const std::string& payload : bad) send_command(fleet, "a", payload);
  send_command(fleet, "b", recorded);
  // The hub's own comes behind them, and is the only one that is answered.
  REQUIRE(retry());
  CHECK(wait_until([&] { return replies.lines() == answered + 1; }, 5s));

  // In another session it is refused, and the sender is told.
  fleet.kill_agent("a");
  REQUIRE(wait_until([&] { return !fleet.node_state("a").at("online").get<bool>(); }, 20s));
  fleet.restart_agent("a");
  REQUIRE(wait_until(settled, 20s));
  const long then = replies.lines();
  send_command(fleet, "a", recorded);
  CHECK(wait_until([&] { return replies.lines() == then + 1; }, 10s));
  CHECK(fleet.containers("a") == before);
  CHECK(fleet.containers("b") == before_b);
  CHECK(fleet.agent_process("a").running());
  CHECK(fleet.agent_process("b").running());
}

TEST_CASE("an emptied manifest topic takes no container away", "[refused]") {
  Fleet fleet;
  commit_version(fleet, "1");
  fleet.start_hub();
  fleet.start_agent("a");
  fleet.converge();
  const auto before = fleet.containers("a");
  const Outcome outcome = run({"mosquitto_pub", "-h", "127.0.0.1", "-p", std::to_string(fleet.broker_port()),
                               "-q", "1", "-r", "-t", manifest_topic(fleet, "a"), "-n"});
  REQUIRE(outcome.exit_code == 0);
  commit_version(fleet, "1");  // a commit that changes nothing goes its whole way behind it
  fleet.converge();
  CHECK(fleet.containers("a") == before);
}

TEST_CASE("the API answers nobody without the token", "[refused]") {
  Fleet fleet;
  commit_version(fleet, "1");
  fleet.start_hub();
  const BlockingHttp nobody(fleet.hub_url());
  const BlockingHttp wrong(fleet.hub_url(), {{"Authorization", "Bearer 0123456789abcdef"}});
  for (const char* target :
       {"/api/v1/status", "/api/v1/nodes", "/api/v1/stacks", "/api/v1/events", "/api/v1/nothing"}) {
    CAPTURE(target);
    CHECK(nobody.send("GET", target).status == 401);
    CHECK(wrong.send("GET", target).status == 401);
  }
  CHECK(wrong.send("POST", "/api/v1/sync", "{}").status == 401);
  CHECK(nobody.send("GET", "/healthz").status == 200);
  CHECK(nobody.send("GET", "/readyz").status != 401);

  const auto token = fleet.hub_data() / "admin.token";
  CHECK((std::filesystem::status(token).permissions() & std::filesystem::perms::mask) ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  const auto other = fleet.directory() / "other.token";
  write_file_durably(other, "0123456789abcdef\n", 0600);
  CHECK(run({std::string(HIVEMIND_BIN) + "/hivemind", "--hub", fleet.hub_url(), "--token-file", other,
             "status"})
            .exit_code == 5);
}

}  // namespace
}  // namespace hivemind::tests
