#include "tests/support/catch.h"
#include "tests/unit/plan/scenario.h"

using namespace hivemind;
using namespace hivemind::tests;

namespace {

constexpr int kDay = 86'400;

v1::Release daily() {
  v1::Service app = with_policy(service("app"), v1::PULL_POLICY_EVERY);
  app.set_pull_every_s(kDay);
  return release("web", {app});
}

Scenario pulled_today(const v1::Release& web) {
  Scenario scenario({web});
  scenario.wall_s = 1'000'000;
  scenario.past.pulled["app:1"] = scenario.wall_s;
  scenario.converge();
  scenario.find_good();
  return scenario;
}

}  // namespace

TEST_CASE("an image that is to be pulled every day is, while its container runs") {
  Scenario scenario = pulled_today(daily());
  CHECK(scenario.plan_text().empty());
  scenario.wall_s += kDay;
  CHECK(scenario.plan_text() ==
        "pull image app:1: service 'app' of stack 'web' needs it\n"
        "pending web/app (pulling): pulls image 'app:1'\n");
  CHECK(scenario.states() == "web RUNNING app:RUNNING\n");
  scenario.past.pulled["app:1"] = scenario.wall_s;
  CHECK(scenario.plan_text().empty());
}

TEST_CASE("a container whose image has moved is replaced, once") {
  Scenario scenario = pulled_today(daily());
  scenario.engine.add_image("app:1", "sha256:newer");
  const std::string cause = ": service 'app' of stack 'web': its image has moved\n";
  const std::string before = scenario.engine.container("web-app-1").id;
  const std::string aside = "web-app-1." + before.substr(0, 8);
  CHECK(scenario.plan_text() == "rename container web-app-1 to " + aside + cause +
                                    "create container web-app-1" + cause + "stop container web-app-1" +
                                    cause + "start container web-app-1" + cause +
                                    "remove container web-app-1" + cause);
  SECTION("at once") {
    CHECK(scenario.converge() == 1);
  }
  SECTION("with a crash after every step") {
    int steps = 0;
    for (agent::Plan plan = scenario.plan(); !plan.steps.empty(); plan = scenario.plan()) {
      scenario.apply(plan, 1);
      INFO(to_text(plan) << scenario.engine.text());
      REQUIRE(++steps < 20);
    }
  }
  CHECK(scenario.engine.text() == "web-app-1 app-1 running\n");
  CHECK(scenario.engine.container("web-app-1").image_id == "sha256:newer");
  CHECK(scenario.engine.container("web-app-1").id != before);
}

TEST_CASE("with 'missing', a tag that moves is nobody's business") {
  Scenario scenario({release("web", {service("app")})});
  scenario.converge();
  scenario.engine.add_image("app:1", "sha256:newer");
  CHECK(scenario.plan_text().empty());
}

TEST_CASE("with 'always', each release pulls, and what has moved is replaced and can come back") {
  const auto web = [](int version) {
    return release("web", {with_policy(service("app"), v1::PULL_POLICY_ALWAYS), service("db", version)});
  };
  Scenario scenario({web(1)});
  scenario.past.fresh.insert("web/app");
  scenario.converge();
  scenario.find_good();
  scenario.past.fresh.clear();
  const std::string before = scenario.engine.container("web-app-1").id;
  const std::string image = scenario.engine.container("web-app-1").image_id;
  scenario.candidates = desired({web(2)}).stacks;
  CHECK_THAT(scenario.plan_text(), ContainsSubstring("pull image app:1"));
  scenario.candidates.clear();
  scenario.past.fresh.insert("web/app");
  scenario.want({web(2)});
  scenario.engine.add_image("app:1", "sha256:newer");
  scenario.converge();
  CHECK(scenario.engine.container("web-app-1").image_id == "sha256:newer");
  CHECK(scenario.engine.observe().containers.size() == 4);
  SECTION("the release fails") {
    scenario.go_back({web(1)});
    scenario.wanted.stacks[0].services[0].image_id = image;
    scenario.converge();
    CHECK(scenario.engine.container("web-app-1").id == before);
  }
  SECTION("the release is good") {
    scenario.find_good();
    scenario.converge();
    CHECK(scenario.engine.container("web-app-1").image_id == "sha256:newer");
  }
  CHECK(scenario.engine.observe().containers.size() == 2);
  CHECK(scenario.plan_text().empty());
}
