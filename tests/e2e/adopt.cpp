// What docker compose runs on a node already is left alone, and taken over when an operator says so.
#include <chrono>
#include <filesystem>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/fleet.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

// The project that docker compose would make of compose({{"app", "1"}, {"db", …}}), through the engine's API.
class Project {
 public:
  explicit Project(const Fleet& fleet) : engine_(fleet.engine()), name_(fleet.stack("web")) {
    const json labels{{"com.docker.compose.project", name_}, {"com.docker.compose.network", "default"}};
    engine_.http().json(
        "POST", "/networks/create",
        json({{"Name", name_ + "_default"}, {"Driver", "bridge"}, {"Labels", labels}}).dump());
  }
  ~Project() {
    try {
      engine_.remove_all("com.docker.compose.project=" + name_);
    } catch (const std::exception&) {
      // The engine is the test's own and goes with it; a destructor has nobody to tell.
    }
  }
  Project(const Project&) = delete;
  Project& operator=(const Project&) = delete;

  void run(const std::string& service, const std::string& version) const {
    const std::string container = name_ + "-" + service + "-1";
    const std::string network = name_ + "_default";
    const json body{
        {"Image", test_image()},
        {"Env", {"VERSION=" + version}},
        {"Labels",
         {{"com.docker.compose.project", name_},
          {"com.docker.compose.service", service},
          {"com.docker.compose.container-number", "1"},
          {"com.docker.compose.oneoff", "False"},
          {"com.docker.compose.config-hash", "1234"}}},
        {"HostConfig", {{"NetworkMode", network}}},
        {"NetworkingConfig", {{"EndpointsConfig", {{network, {{"Aliases", {container, service}}}}}}}}};
    engine_.start(engine_.create(container, body));
  }

 private:
  const EngineClient& engine_;
  std::string name_;
};

json verdicts(const json& answer) {
  json verdicts = json::object();
  for (const json& item : answer.at("items"))
    verdicts[item.at("name").get<std::string>()] = item.at("verdict");
  return verdicts;
}

std::string started_at(const Fleet& fleet, const std::string& container) {
  return fleet.engine().inspect(container).at("State").at("StartedAt");
}

std::string id_of(const Fleet& fleet, const std::string& container) {
  return fleet.engine().inspect(container).at("Id");
}

bool needs_adoption(const Fleet& fleet) {
  // The list, as the node is not there until its first report.
  const json nodes = fleet.api().get("/api/v1/nodes").at("nodes");
  for (const json& node : nodes) {
    if (node.at("id") == fleet.node("a")) return node.at("reason") == "adoption_needed";
  }
  return false;
}

TEST_CASE("what docker compose runs is taken over, and what is equal goes on as it is", "[adopt]") {
  Fleet fleet;
  const Project project(fleet);
  project.run("app", "1");
  project.run("db", "2");
  project.run("old", "1");
  const std::string app = fleet.container("web", "app");
  const std::string db = fleet.container("web", "db");
  const std::string old = fleet.container("web", "old");
  const std::string app_id = id_of(fleet, app);
  const std::string app_started = started_at(fleet, app);
  const std::string db_id = id_of(fleet, db);
  const std::string old_id = id_of(fleet, old);

  fleet.repository().write("web.yml", compose({{"app", "1"}, {"db", "1"}}));
  fleet.repository().write("stacks.yml", "stacks:\n" + stack_entry(fleet, "web")).commit();
  fleet.start_hub();
  fleet.start_agent("a");
  REQUIRE(wait_until([&] { return needs_adoption(fleet); }, 30s));
  CHECK(id_of(fleet, db) == db_id);

  const std::vector<std::string> look{"adopt", fleet.node("a"), fleet.stack("web"), "--output", "json"};
  const Outcome shown = fleet.cli(look);
  INFO(shown.output << shown.errors << fleet.logs());
  REQUIRE(shown.exit_code == 0);
  const json answer = json::parse(shown.output);
  CHECK(answer.at("state") == "shown");
  CHECK(verdicts(answer) ==
        json({{app, "equal"}, {db, "differs"}, {old, "extra"}, {fleet.stack("web") + "_default", "equal"}}));
  CHECK(shown.output.find("VERSION") != std::string::npos);

  // Another code is no answer to what was shown.
  std::vector<std::string> take = look;
  take.insert(take.end(), {"--yes", "0123456789abcdef"});
  CHECK(fleet.cli(take).exit_code == 1);
  CHECK(id_of(fleet, db) == db_id);
  CHECK(needs_adoption(fleet));

  take.back() = answer.at("confirm").get<std::string>();
  const Outcome taken = fleet.cli(take);
  INFO(taken.output << taken.errors);
  REQUIRE(taken.exit_code == 0);
  CHECK(json::parse(taken.output).at("state") == "adopted");
  REQUIRE(wait_until([&] { return fleet.converged("a"); }, 60s));
  CHECK(id_of(fleet, app) == app_id);
  CHECK(started_at(fleet, app) == app_started);
  CHECK(id_of(fleet, db) != db_id);
  CHECK(fleet.engine().variable(db, "VERSION") == "1");
  CHECK(id_of(fleet, old) == old_id);

  // It is remembered over a restart, healed, and replaced by the next change, as what we made ourselves.
  fleet.kill_agent("a");
  fleet.restart_agent("a");
  fleet.converge();
  CHECK(id_of(fleet, app) == app_id);
  fleet.engine().stop(app);
  CHECK(wait_until([&] { return fleet.engine().inspect(app).at("State").at("Running") == true; }, 10s));
  fleet.repository().write("web.yml", compose({{"app", "2"}, {"db", "1"}})).commit();
  fleet.converge();
  CHECK(id_of(fleet, app) != app_id);
  CHECK(fleet.engine().variable(app, "VERSION") == "2");
  CHECK(id_of(fleet, old) == old_id);
}

json shown(const Fleet& fleet) {
  const Outcome look = fleet.cli({"adopt", fleet.node("a"), fleet.stack("web"), "--output", "json"});
  INFO(look.output << look.errors << fleet.logs());
  REQUIRE(look.exit_code == 0);
  return json::parse(look.output);
}

void take_over(const Fleet& fleet, const json& look) {
  const std::string code = look.at("confirm");
  const Outcome taken = fleet.cli({"adopt", fleet.node("a"), fleet.stack("web"), "--yes", code});
  INFO(taken.output << taken.errors << fleet.logs());
  REQUIRE(taken.exit_code == 0);
}

TEST_CASE("what was shown may be taken over by an agent that was killed in between", "[adopt]") {
  Fleet fleet;
  const Project project(fleet);
  project.run("app", "1");
  const std::string app = fleet.container("web", "app");
  const std::string app_started = started_at(fleet, app);
  fleet.repository().write("web.yml", compose({{"app", "1"}}));
  fleet.repository().write("stacks.yml", "stacks:\n" + stack_entry(fleet, "web")).commit();
  fleet.start_hub();
  fleet.start_agent("a");
  REQUIRE(wait_until([&] { return needs_adoption(fleet); }, 30s));
  const json look = shown(fleet);

  fleet.kill_agent("a");
  REQUIRE(wait_until([&] { return !fleet.node_state("a").at("online").get<bool>(); }, 120s));
  fleet.restart_agent("a");
  REQUIRE(wait_until([&] { return fleet.node_state("a").at("online").get<bool>(); }, 30s));
  // Its first report may be older than its first look at the engine.
  REQUIRE(wait_until([&] { return needs_adoption(fleet); }, 30s));
  take_over(fleet, look);
  REQUIRE(wait_until([&] { return fleet.converged("a"); }, 60s));
  CHECK(started_at(fleet, app) == app_started);
}

TEST_CASE("an agent that has lost its store touches nothing of what it had taken over", "[adopt]") {
  Fleet fleet;
  const Project project(fleet);
  project.run("app", "1");
  project.run("db", "2");
  const std::string app = fleet.container("web", "app");
  const std::string db = fleet.container("web", "db");
  const std::string app_started = started_at(fleet, app);
  fleet.repository().write("web.yml", compose({{"app", "1"}, {"db", "1"}}));
  fleet.repository().write("stacks.yml", "stacks:\n" + stack_entry(fleet, "web")).commit();
  fleet.start_hub();
  fleet.start_agent("a");
  REQUIRE(wait_until([&] { return needs_adoption(fleet); }, 30s));
  take_over(fleet, shown(fleet));
  REQUIRE(wait_until([&] { return fleet.converged("a"); }, 60s));
  const std::string db_started = started_at(fleet, db);

  fleet.kill_agent("a");
  REQUIRE(wait_until([&] { return !fleet.node_state("a").at("online").get<bool>(); }, 120s));
  for (const char* file : {"agent.db", "agent.db-wal", "agent.db-shm"})
    std::filesystem::remove(fleet.directory() / "agent-a" / file);
  // Another wish than what runs: it is not for the agent to fulfil before somebody has agreed again.
  fleet.repository().write("web.yml", compose({{"app", "1"}, {"db", "3"}})).commit();
  REQUIRE(fleet.sync().exit_code == 0);
  fleet.restart_agent("a");
  REQUIRE(wait_until([&] { return needs_adoption(fleet); }, 120s));
  CHECK(started_at(fleet, app) == app_started);
  CHECK(started_at(fleet, db) == db_started);

  take_over(fleet, shown(fleet));
  REQUIRE(wait_until([&] { return fleet.converged("a"); }, 60s));
  CHECK(started_at(fleet, app) == app_started);
  CHECK(fleet.engine().variable(db, "VERSION") == "3");
}

TEST_CASE("without a project there is nothing to take over, and a node that is away is told at once",
          "[adopt]") {
  Fleet fleet;
  fleet.repository().write("web.yml", compose({{"app", "1"}}));
  fleet.repository().write("stacks.yml", "stacks:\n" + stack_entry(fleet, "web")).commit();
  fleet.start_hub();
  fleet.start_agent("a");
  fleet.converge();
  const std::vector<std::string> look{"adopt", fleet.node("a"), fleet.stack("web")};
  const Outcome none = fleet.cli(look);
  CHECK(none.exit_code == 1);
  CHECK_THAT(none.errors, ContainsSubstring("nothing to take over"));
  CHECK(fleet.cli({"adopt", fleet.node("a"), "other"}).exit_code == 4);
  fleet.stop_agent("a");
  REQUIRE(wait_until([&] { return fleet.node_state("a").at("online") == false; }, 10s));
  const auto before = std::chrono::steady_clock::now();
  const Outcome away = fleet.cli(look);
  CHECK(away.exit_code == 1);
  CHECK_THAT(away.errors, ContainsSubstring("offline"));
  CHECK(std::chrono::steady_clock::now() - before < 5s);  // not as long as a command is waited for
}

}  // namespace
}  // namespace hivemind::tests
