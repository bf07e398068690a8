#include "tests/support/catch.h"
#include "tests/unit/plan/scenario.h"

using namespace hivemind;
using namespace hivemind::tests;

namespace {

Scenario running_web() {
  Scenario scenario({release("web", {with_network(service("app"), "web_default")})});
  scenario.converge();
  scenario.remember();
  return scenario;
}

}  // namespace

TEST_CASE("what is changed by hand is put right") {
  Scenario scenario = running_web();
  agent::Container& app = scenario.engine.container("web-app-1");
  const std::string who = "service 'app' of stack 'web'";
  SECTION("removed") {
    scenario.engine.remove_container(app.id, true);
    CHECK(scenario.plan_text() == "create container web-app-1: " + who + " has no container\n" +
                                      "start container web-app-1: " + who + " has no container\n");
    CHECK(scenario.plan().steps[0].purpose == agent::Purpose::kHeal);
  }
  SECTION("stopped") {
    scenario.engine.exit("web-app-1", 0);
    scenario.past.ended_by_hand.insert(app.id);
    CHECK(scenario.plan_text() ==
          "start container web-app-1: " + who + ": its container was stopped by hand\n");
    CHECK(scenario.plan().steps[0].pace == agent::Pace::kFree);
  }
  SECTION("crashed") {
    scenario.engine.exit("web-app-1", 1);
    CHECK(scenario.plan_text() ==
          "start container web-app-1: " + who + ": its container exited with code 1\n");
    CHECK(scenario.plan().steps[0].pace == agent::Pace::kBacksOff);
  }
  SECTION("paused") {
    app.status = agent::ContainerStatus::kPaused;
    CHECK(scenario.plan_text() == "unpause container web-app-1: " + who + ": its container is paused\n");
  }
  SECTION("renamed") {
    app.name = "mine";
    CHECK(scenario.plan_text() ==
          "rename container mine to web-app-1: " + who + ": its container is named 'mine'\n");
  }
  SECTION("given another limit") {
    app.memory = 64;
    CHECK_THAT(scenario.plan_text(), ContainsSubstring("its memory limit is 64 instead of 0"));
    CHECK(scenario.plan().steps[0].purpose == agent::Purpose::kHeal);
  }
  SECTION("given another restart policy") {
    app.restart_policy = "always";
    CHECK_THAT(scenario.plan_text(), ContainsSubstring("its restart policy is 'always' instead of 'no'"));
  }
  SECTION("taken off its network") {
    app.networks.clear();
    CHECK_THAT(scenario.plan_text(), ContainsSubstring("it is not connected to network 'web_default'"));
  }
  SECTION("its network removed") {
    scenario.engine.stop_container(app.id);
    scenario.engine.remove_network(scenario.engine.observe().networks.at(0).id);
    CHECK_THAT(scenario.plan_text(), ContainsSubstring("create network web_default"));
  }
  scenario.converge();
  CHECK(scenario.engine.text() == "web-app-1 app-1 running\n");
}

TEST_CASE("a memory limit that the engine does not know of is no drift") {
  Scenario scenario(
      {release("web", {with_body(service("app"), R"({"Image":"app:1","HostConfig":{"Memory":1000}})")})});
  scenario.converge();
  scenario.engine.container("web-app-1").memory = 0;
  CHECK(scenario.plan_text().empty());
}

TEST_CASE("a container that ended well by itself is done; one of which nobody saw it is started") {
  Scenario scenario = running_web();
  scenario.engine.exit("web-app-1", 0);
  SECTION("seen") {
    scenario.past.completed.insert(scenario.engine.container("web-app-1").id);
    CHECK(scenario.plan_text().empty());
    CHECK(scenario.states() == "web RUNNING app:COMPLETED\n");
  }
  SECTION("not seen") {
    CHECK_THAT(scenario.plan_text(), ContainsSubstring("start container web-app-1"));
  }
}

TEST_CASE("what fails again and again waits longer, and says why") {
  Scenario scenario = running_web();
  scenario.engine.exit("web-app-1", 1);
  const auto later = scenario.now + std::chrono::seconds(2);
  scenario.past.troubles["web/app"] = {2, later, v1::REASON_EXITED, "exited with code 1", "app-1"};
  CHECK(scenario.plan_text() == "pending web/app (exited): exited with code 1\n");
  CHECK(scenario.plan().next_look == later);
  SECTION("until it is time") {
    scenario.now = later;
    CHECK_THAT(scenario.plan_text(), ContainsSubstring("start container web-app-1"));
  }
  SECTION("but another definition is tried at once") {
    scenario.want({release("web", {with_network(service("app", 2), "web_default")})});
    CHECK_THAT(scenario.plan_text(), ContainsSubstring("create container web-app-1"));
  }
}

TEST_CASE("an old container whose successor cannot be made goes on under its own name") {
  Scenario scenario = running_web();
  scenario.want({release("web", {with_network(service("app", 2), "web_default")})});
  scenario.apply(scenario.plan(), 1);  // renamed aside, then the create failed
  scenario.past.troubles["web/app"] = {1, scenario.now + std::chrono::seconds(1), v1::REASON_CREATE_FAILED,
                                       "create container web-app-1: no", "app-2"};
  scenario.apply(scenario.plan());
  CHECK(scenario.engine.text() == "web-app-1 app-1 running\n");
  CHECK(scenario.plan_text() == "pending web/app (create failed): create container web-app-1: no\n");
  CHECK(scenario.states() == "web FAILED app:FAILED\n");
  scenario.past.troubles["web/app"].not_before = {};  // somebody has committed, or said 'retry'
  CHECK(scenario.states() == "web APPLYING app:APPLYING\n");
}

TEST_CASE("one stack that cannot be made does not keep another from it") {
  Scenario scenario({release("bad", {service("app")}), release("good", {service("app", 2)})});
  scenario.past.troubles["bad/app"] = {1, scenario.now + std::chrono::seconds(1), v1::REASON_CREATE_FAILED,
                                       "no", "app-1"};
  scenario.converge();
  CHECK(scenario.engine.running() == std::vector<std::string>{"good-app-1"});
  CHECK(scenario.states() == "bad FAILED app:FAILED\ngood RUNNING app:RUNNING\n");
}
