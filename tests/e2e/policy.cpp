// The node's owner has the last word: what they forbid is refused, whoever has signed it, and what runs,
// stays.
#include <chrono>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/engine_proxy.h"
#include "tests/support/fleet.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;
using Flags = std::vector<std::string>;

// Stack 'web' with services 'app' and 'db' on node 'a', whose agent talks to the engine through a proxy.
class OwnedNode {
 public:
  explicit OwnedNode(const Flags& policy, const std::string& more = "")
      : proxy_(fleet.directory() / "engine.sock", EngineClient::url()) {
    commit("1", more);
    fleet.start_hub();
    start_agent(policy);
    fleet.converge();
    REQUIRE(wait_until([&] { return stack().value("good_digest", "") != ""; }, 20s));
    good = fleet.containers("a");
  }

  void start_agent(const Flags& policy) {
    Fleet::AgentOptions options;
    options.engine_url = proxy_.docker_host();
    options.flags = policy;
    fleet.start_agent("a", options);
  }
  void commit(const std::string& version, const std::string& more = "") {
    fleet.repository().write(
        "web.yml", "x-hivemind: {soak: 1s}\nservices:\n  app:\n    image: " + test_image() +
                       "\n    stop_grace_period: 1s\n    environment:\n      VERSION: \"" + version + "\"\n" +
                       more + "  db:\n    image: " + test_image() + "\n");
    fleet.repository().write("stacks.yml", "stacks:\n" + stack_entry(fleet, "web")).commit();
  }
  nlohmann::json stack() const {
    const nlohmann::json stacks = fleet.node_state("a").at("stack_reports");
    return stacks.empty() ? nlohmann::json::object() : stacks.at(0);
  }
  bool is_refused() const { return stack().value("reason", "") == "policy_refused"; }
  std::string app() const { return fleet.container("web", "app"); }

  Fleet fleet;
  std::map<std::string, EngineClient::Running> good;
  EngineProxy& proxy() { return proxy_; }

 private:
  EngineProxy proxy_;
};

TEST_CASE("a release that the owner forbids is refused as a whole, and the one before stays", "[policy]") {
  OwnedNode it({"--policy-privileged", "deny", "--policy-binds", "/srv/data"});
  Fleet& fleet = it.fleet;
  it.proxy().clear();
  std::string setting = "policy-privileged";
  SECTION("a privileged container, of an image that is not here yet") {
    fleet.repository().write("web.yml",
                             "services:\n  app:\n    image: registry.invalid/other:1\n"
                             "    privileged: true\n  db:\n    image: " +
                                 test_image() + "\n");
    fleet.repository().commit();
  }
  SECTION("the engine's socket") {
    it.commit("2", "    volumes: [\"/var/run/docker.sock:/docker.sock\"]\n");
    setting = "policy-binds";
  }
  fleet.cli({"sync"});
  INFO(fleet.logs());
  REQUIRE(wait_until([&] { return it.is_refused(); }, 20s));
  CHECK(it.stack().at("state") == "failed");
  CHECK(fleet.containers("a") == it.good);
  // Nothing was pulled, made or changed.
  const auto writes = it.proxy().writes();
  CAPTURE(writes);
  CHECK(writes.empty());

  // As programs read it: tables for people break lines.
  for (const Flags& question : {Flags{"--output", "json", "why", fleet.node("a")},
                                Flags{"--output", "json", "node", "show", fleet.node("a")}}) {
    const Outcome told = fleet.cli(question);
    INFO(told.output);
    CHECK(told.output.find("service 'app'") != std::string::npos);
    CHECK(told.output.find("setting '" + setting + "'") != std::string::npos);
    CHECK(told.output.find("policy_refused") != std::string::npos);
  }

  // The one before is healed as ever, and what is allowed takes its place.
  fleet.engine().remove(it.app());
  REQUIRE(wait_until(
      [&] {
        const auto now = fleet.containers("a");
        return now.contains(it.app()) && now.at(it.app()).state == "running";
      },
      20s));
  CHECK(fleet.engine().variable(it.app(), "VERSION") == "1");
  it.commit("3");
  fleet.converge();
  CHECK(fleet.engine().variable(it.app(), "VERSION") == "3");
}

TEST_CASE("what runs already when its owner forbids it is left exactly as it is", "[policy]") {
  OwnedNode it({}, "    cap_add: [NET_ADMIN]\n");
  Fleet& fleet = it.fleet;
  fleet.stop_agent("a");
  it.proxy().clear();
  it.start_agent({"--policy-capabilities", "none"});
  INFO(fleet.logs());
  REQUIRE(wait_until([&] { return it.is_refused(); }, 20s));
  CHECK(fleet.containers("a") == it.good);
  CHECK(it.stack().at("text").get<std::string>().find("setting 'policy-capabilities'") != std::string::npos);
  // Not even healed: a container of it would be one that the owner does not want.
  const std::string db = fleet.container("web", "db");
  fleet.engine().remove(it.app());
  REQUIRE(wait_until([&] { return it.stack().at("services").at(0).at("running") == 0; }, 20s));
  CHECK_FALSE(fleet.containers("a").contains(it.app()));
  CHECK(fleet.containers("a").at(db) == it.good.at(db));
  CHECK(it.proxy().writes().empty());
  // A release without it goes its usual way.
  it.commit("2");
  fleet.converge();
  CHECK(fleet.engine().variable(it.app(), "VERSION") == "2");
}

// Made of the test's own image, and gone with it.
class LabelledImage {
 public:
  explicit LabelledImage(const nlohmann::json& labels) {
    const std::string container = engine_.create("", {{"Image", test_image()}});
    engine_.http().json("POST", "/commit?repo=hivemind-labelled&tag=1&container=" + container,
                        nlohmann::json{{"Labels", labels}}.dump());
    engine_.remove(container);
  }
  ~LabelledImage() { engine_.http().send("DELETE", "/images/hivemind-labelled:1?force=1"); }
  LabelledImage(const LabelledImage&) = delete;
  LabelledImage& operator=(const LabelledImage&) = delete;

 private:
  EngineClient engine_;
};

TEST_CASE("who makes an image cannot have the agent run something, whatever labels it has", "[policy]") {
  const LabelledImage image(
      {{"com.hivemind.pre-stop",
        R"([{"command":["/x"],"user":"root","privileged":true,"working_dir":"","environment":[]}])"},
       {"com.hivemind.job", "pre:x"}});
  OwnedNode it({"--policy-privileged", "deny"});
  const auto commit = [&](const std::string& version) {
    it.fleet.repository().write("web.yml",
                                "x-hivemind: {soak: 1s}\nservices:\n  app:\n    image: hivemind-labelled:1\n"
                                "    stop_grace_period: 1s\n    environment: {VERSION: '" +
                                    version + "'}\n");
    it.fleet.repository().commit();
    it.fleet.converge();
  };
  commit("2");
  const std::string id = it.fleet.engine().inspect(it.app()).at("Id");
  it.proxy().clear();
  commit("3");  // which ends the container of before
  CHECK(it.fleet.engine().inspect(it.app()).at("Id") != id);
  CHECK(it.fleet.engine().variable(it.app(), "VERSION") == "3");
  REQUIRE_FALSE(it.proxy().writes().empty());
  for (const std::string& write : it.proxy().writes()) CHECK(write.find("/exec") == std::string::npos);
}

}  // namespace
}  // namespace hivemind::tests
