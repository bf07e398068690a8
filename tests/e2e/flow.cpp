// The path from a commit to running containers, and what must not happen on the way.
#include <chrono>
#include <map>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/fleet.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a commit reaches a node and is seen running by the command line", "[flow]") {
  Fleet fleet;
  fleet.repository().write("web.yml", compose({{"site", "1"}}));
  const std::string revision =
      fleet.repository().write("stacks.yml", "stacks:\n" + stack_entry(fleet, "web")).commit();
  fleet.start_hub();
  fleet.start_agent("a");
  fleet.converge();

  const auto containers = fleet.containers("a");
  REQUIRE(containers.size() == 1);
  CHECK(containers.at(fleet.container("web", "site")).state == "running");
  CHECK(fleet.engine().variable(fleet.container("web", "site"), "VERSION") == "1");

  const Outcome status = fleet.cli({"status"});
  CHECK(status.exit_code == 0);
  CHECK_THAT(status.output, ContainsSubstring(revision.substr(0, 7)));
  const Outcome node = fleet.cli({"--output", "json", "node", "show", fleet.node("a")});
  CHECK(node.exit_code == 0);
  CHECK(nlohmann::json::parse(node.output).at("running").at("revision") == revision);
  const Outcome stack = fleet.cli({"stack", "show", fleet.stack("web")});
  CHECK(stack.exit_code == 0);
  CHECK_THAT(stack.output, ContainsSubstring(fleet.node("a")));
}

TEST_CASE("one changed service of ten recreates one container", "[flow]") {
  Fleet fleet;
  std::map<std::string, std::string> services;
  for (int i = 0; i < 10; ++i) services["s" + std::to_string(i)] = "1";
  fleet.repository()
      .write("ten.yml", compose(services))
      .write("stacks.yml", "stacks:\n" + stack_entry(fleet, "ten"));
  fleet.repository().commit();
  fleet.start_hub();
  fleet.start_agent("a");
  fleet.converge();
  auto before = fleet.containers("a");
  REQUIRE(before.size() == 10);

  services["s4"] = "2";
  fleet.repository().write("ten.yml", compose(services)).commit();
  fleet.converge();

  auto after = fleet.containers("a");
  const std::string changed = fleet.container("ten", "s4");
  CHECK(after.at(changed).id != before.at(changed).id);
  CHECK(fleet.engine().variable(changed, "VERSION") == "2");
  before.erase(changed);
  after.erase(changed);
  CHECK(before == after);  // ids and start times
}

TEST_CASE("a volume without a name goes along to the container that takes the place of the old one",
          "[flow]") {
  Fleet fleet;
  const auto commit = [&fleet](const std::string& version) {
    fleet.repository().write("web.yml", compose({{"app", version}}) + "    volumes: [/data]\n");
    fleet.repository().write("stacks.yml", "stacks:\n" + stack_entry(fleet, "web")).commit();
  };
  commit("1");
  fleet.start_hub();
  fleet.start_agent("a");
  fleet.converge();
  const std::string name = fleet.container("web", "app");
  const auto before = fleet.engine().inspect(name);

  for (const char* version : {"2", "3"}) {
    commit(version);
    fleet.converge();
    const auto after = fleet.engine().inspect(name);
    CHECK(after.at("Id") != before.at("Id"));
    CHECK(after.at("Mounts").at(0).at("Name") == before.at("Mounts").at(0).at("Name"));
  }
}

TEST_CASE("a stack goes only to the nodes that its selector names, with their variables", "[flow]") {
  Fleet fleet;
  const std::string file =
      "services:\n  app:\n    image: " + test_image() +
      "\n    environment:\n      WHERE: ${PLACE} ${HIVEMIND_NODE} ${HIVEMIND_LABEL_SITE}\n";
  fleet.repository().write("bar.yml", file).write("foo.yml", file);
  fleet.repository().write("stacks.yml",
                           "stacks:\n" +
                               stack_entry(fleet, "foo", "    nodes: {site: foo}\n    vars: {PLACE: x}\n") +
                               stack_entry(fleet, "bar", "    nodes: {ids: [" + fleet.node("b") + "]}\n") +
                               "nodes:\n  " + fleet.node("b") + ": {vars: {PLACE: cellar}}\n");
  fleet.repository().commit();
  fleet.start_hub();
  fleet.start_agent("a", {.labels = {{"site", "foo"}}, .data_directory = {}, .engine_url = {}});
  fleet.start_agent("b", {.labels = {{"site", "bar"}}, .data_directory = {}, .engine_url = {}});
  fleet.converge();

  REQUIRE(fleet.containers("a").size() == 1);
  REQUIRE(fleet.containers("b").size() == 1);
  CHECK(fleet.engine().variable(fleet.container("foo", "app"), "WHERE") == "x " + fleet.node("a") + " foo");
  CHECK(fleet.engine().variable(fleet.container("bar", "app"), "WHERE") ==
        "cellar " + fleet.node("b") + " bar");
}

TEST_CASE("dependencies start in order and after their conditions hold", "[flow]") {
  Fleet fleet;
  const std::string image = "    image: " + test_image() + "\n";
  fleet.repository().write(
      "order.yml", "services:\n  init:\n" + image +
                       "    command: [job, \"0\", \"300\"]\n    restart: \"no\"\n" + "  base:\n" + image +
                       "    environment: {HEALTHY_AFTER_MS: \"500\"}\n" +
                       "    healthcheck: {test: [CMD, /app, healthcheck], interval: 200ms, retries: 20}\n" +
                       "    depends_on: {init: {condition: service_completed_successfully}}\n" + "  top:\n" +
                       image + "    depends_on: {base: {condition: service_healthy}}\n");
  fleet.repository().write("stacks.yml", "stacks:\n" + stack_entry(fleet, "order")).commit();
  fleet.start_hub();
  fleet.start_agent("a");
  fleet.converge();

  const auto state = [&](const std::string& service) {
    return fleet.engine().inspect(fleet.container("order", service)).at("State");
  };
  CHECK(state("init").at("Status") == "exited");
  CHECK(state("base").at("Health").at("Status") == "healthy");
  // Times of one engine in RFC 3339 compare as text up to the second; the gaps here are longer than the
  // fraction's jitter.
  CHECK(state("init").at("FinishedAt").get<std::string>() < state("base").at("StartedAt").get<std::string>());
  CHECK(state("base").at("StartedAt").get<std::string>() < state("top").at("StartedAt").get<std::string>());
}

TEST_CASE("a broken commit changes no node and is told with its line", "[flow]") {
  Fleet fleet;
  const std::string stacks = "stacks:\n" + stack_entry(fleet, "good") + stack_entry(fleet, "other");
  fleet.repository().write("good.yml", compose({{"app", "1"}})).write("other.yml", compose({{"app", "1"}}));
  fleet.repository().write("stacks.yml", stacks).commit();
  fleet.start_hub();
  fleet.start_agent("a");
  fleet.converge();
  const auto before = fleet.containers("a");

  SECTION("a stacks.yml that does not parse changes nothing") {
    fleet.repository()
        .write("good.yml", compose({{"app", "2"}}))
        .write("stacks.yml", stacks + "  - {name: x, name: y}\n")
        .commit();
    const Outcome sync = fleet.sync();
    CHECK(sync.exit_code == 1);
    CHECK_THAT(sync.output + sync.errors, ContainsSubstring("stacks.yml:6"));
    CHECK(fleet.containers("a") == before);
    CHECK_THAT(fleet.cli({"status"}).output, ContainsSubstring("stacks.yml:6"));
  }
  SECTION("a stack that does not compile keeps its release, the others go on") {
    fleet.repository()
        .write("good.yml", compose({{"app", "2"}}))
        .write("other.yml", compose({{"app", "2"}}) + "    frobnicate: 1\n");
    fleet.repository().commit();
    const Outcome sync = fleet.sync();
    CHECK(sync.exit_code == 1);
    CHECK_THAT(sync.output + sync.errors, ContainsSubstring("other.yml:7:5"));
    CHECK_THAT(sync.output + sync.errors, ContainsSubstring("frobnicate"));
    REQUIRE(wait_until(
        [&] { return fleet.engine().variable(fleet.container("good", "app"), "VERSION") == "2"; }, 20s));
    const std::string kept = fleet.container("other", "app");
    CHECK(fleet.containers("a").at(kept) == before.at(kept));
  }
  SECTION("the next good commit mends it") {
    fleet.repository().write("stacks.yml", "stacks: 7\n").commit();
    CHECK(fleet.sync().exit_code == 1);
    fleet.repository().write("stacks.yml", stacks).write("good.yml", compose({{"app", "3"}})).commit();
    fleet.converge();
    CHECK(fleet.engine().variable(fleet.container("good", "app"), "VERSION") == "3");
    CHECK(fleet.cli({"status"}).exit_code == 0);
  }
}

TEST_CASE("a removed stack goes and its named volumes stay", "[flow]") {
  Fleet fleet;
  fleet.repository().write("keep.yml", compose({{"app", "1"}}));
  fleet.repository().write("gone.yml",
                           compose({{"app", "1"}}) + "    volumes: [\"state:/data\"]\nvolumes:\n  state:\n");
  fleet.repository()
      .write("stacks.yml", "stacks:\n" + stack_entry(fleet, "keep") + stack_entry(fleet, "gone"))
      .commit();
  fleet.start_hub();
  fleet.start_agent("a");
  fleet.converge();
  REQUIRE(fleet.containers("a").size() == 2);
  REQUIRE(fleet.engine().network_exists(fleet.stack("gone") + "_default"));
  const auto kept = fleet.containers("a").at(fleet.container("keep", "app"));

  const std::string left = GENERATE(std::string("removed"), std::string("disabled"));
  const std::string entry = left == "disabled" ? stack_entry(fleet, "gone", "    enabled: false\n") : "";
  fleet.repository().write("stacks.yml", "stacks:\n" + stack_entry(fleet, "keep") + entry).commit();
  fleet.converge();

  REQUIRE(fleet.containers("a").size() == 1);
  CHECK(fleet.containers("a").at(fleet.container("keep", "app")) == kept);
  CHECK_FALSE(fleet.engine().network_exists(fleet.stack("gone") + "_default"));
  CHECK(fleet.engine().volume_exists(fleet.stack("gone") + "_state"));
}

}  // namespace
}  // namespace hivemind::tests
