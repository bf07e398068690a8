#include "tests/support/catch.h"
#include "tests/unit/plan/changes.h"
#include "tests/unit/plan/scenario.h"

using namespace hivemind;
using namespace hivemind::tests;

namespace {

std::string undisturbed(const Change& change) {
  Scenario scenario(change.from);
  scenario.converge();
  scenario.want(change.to);
  scenario.converge();
  return scenario.engine.text();
}

// A service that ran before the change must have a container that runs, or one that is just being started.
bool keeps_something(const Scenario& scenario, const std::string& name) {
  return scenario.engine.text().find(name) != std::string::npos;
}

}  // namespace

TEST_CASE("after a crash at any step of any change the next plans lead to the same end") {
  for (const Change& change : changes()) {
    const std::string expected = undisturbed(change);
    for (std::size_t crash = 0; crash < 30; ++crash) {
      Scenario scenario(change.from);
      scenario.converge();
      scenario.want(change.to);
      std::size_t left = crash;
      for (;;) {
        const agent::Plan plan = scenario.plan();
        if (plan.steps.empty() || left == 0) break;
        scenario.apply(plan, left);
        left -= std::min(left, plan.steps.size());
      }
      INFO(change.name << ", crash after " << crash << " steps, then:\n" << scenario.plan_text());
      scenario.converge();
      CHECK(scenario.engine.text() == expected);
      CHECK(scenario.plan_text().empty());
      if (left > 0) break;  // the change was through before the crash
    }
  }
}

TEST_CASE("after a crash at every step, again and again, the end is the same") {
  for (const Change& change : changes()) {
    const std::string expected = undisturbed(change);
    Scenario scenario(change.from);
    scenario.converge();
    scenario.want(change.to);
    int steps = 0;
    for (agent::Plan plan = scenario.plan(); !plan.steps.empty(); plan = scenario.plan()) {
      scenario.apply(plan, 1);
      INFO(change.name << ": " << to_text(plan) << scenario.engine.text());
      REQUIRE(++steps < 100);
    }
    INFO(change.name);
    CHECK(scenario.engine.text() == expected);
  }
}

TEST_CASE("a replaced service always has a container") {
  for (std::size_t crash = 0; crash < 6; ++crash) {
    Scenario scenario({release("web", {service("app")})});
    scenario.converge();
    scenario.want({release("web", {service("app", 2)})});
    scenario.apply(scenario.plan(), crash);
    CHECK(keeps_something(scenario, "web-app-1"));
  }
}
