#include <algorithm>
#include <functional>
#include <random>

#include "tests/support/catch.h"
#include "tests/unit/plan/changes.h"
#include "tests/unit/plan/scenario.h"

using namespace hivemind;
using namespace hivemind::tests;

namespace {

constexpr unsigned kSeeds = 30;

// An application in its good release, one that takes its place, and a third.
struct Journey {
  std::string name;
  v1::Release good;
  v1::Release next;
  v1::Release third;
};

std::vector<Journey> journeys() {
  std::vector<Journey> all;
  for (const Change& change : changes()) {
    if (change.from.size() != 1 || change.to.size() != 1 || change.from[0].stack() != change.to[0].stack())
      continue;
    all.push_back({change.name, change.from[0], change.to[0], release("web", {service("app", 3)})});
  }
  for (unsigned seed = 0; seed < kSeeds; ++seed) {
    Journey journey{"seed " + std::to_string(seed), generated(seed, 1), generated(seed, 2),
                    generated(seed, 3)};
    if (journey.good.digest() == journey.next.digest() || journey.good.digest() == journey.third.digest())
      continue;
    all.push_back(journey);
  }
  return all;
}

// What must be the same in the end. The names of those that stand still are of no account.
std::string end_of(const Scenario& scenario) {
  std::set<std::string> lines;
  for (const agent::Container& container : scenario.engine.observe().containers) {
    const bool is_running = container.status == agent::ContainerStatus::kRunning;
    lines.insert(container.labels.at(agent::labels::kConfigHash) + " " +
                 container.labels.at(agent::labels::kComposeNumber) + " " + container.restart_policy +
                 (is_running ? " runs as " + container.name : " stands still"));
  }
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

Scenario good(const Journey& journey) {
  Scenario scenario({journey.good});
  scenario.converge();
  scenario.find_good();
  return scenario;
}

Scenario updated(const Journey& journey) {
  Scenario scenario = good(journey);
  scenario.want({journey.next});
  scenario.converge();
  return scenario;
}

std::set<std::string> ids(const Scenario& scenario) {
  std::set<std::string> all;
  for (const agent::Container& container : scenario.engine.observe().containers) all.insert(container.id);
  return all;
}

// Applies so many steps, in some order that `after` allows; returns how many there were left to do.
std::size_t apply_some(Scenario& scenario, std::size_t most, std::mt19937& draw) {
  while (most > 0) {
    const agent::Plan plan = scenario.plan();
    if (plan.steps.empty()) return most;
    std::set<std::size_t> done;
    while (done.size() < plan.steps.size() && most > 0) {
      std::vector<std::size_t> ready;
      for (std::size_t i = 0; i < plan.steps.size(); ++i) {
        const bool is_next = !done.contains(i) &&
                             std::ranges::all_of(plan.steps[i].after,
                                                 [&](std::size_t before) { return done.contains(before); });
        if (is_next) ready.push_back(i);
      }
      const std::size_t chosen = ready[draw() % ready.size()];
      INFO("step " << to_text(plan.steps[chosen]) << " of\n" << to_text(plan) << scenario.engine.text());
      REQUIRE_NOTHROW(scenario.apply(plan.steps[chosen]));
      done.insert(chosen);
      --most;
    }
  }
  return most;
}

// Runs body with every number of steps after which the agent, the engine or the release may end, up to all.
void at_every_step(const std::function<std::size_t(std::size_t, std::mt19937&)>& body) {
  for (std::size_t steps = 0; steps < 60; ++steps) {
    std::mt19937 draw(static_cast<unsigned>(steps));
    if (body(steps, draw) > 0) return;
  }
  FAIL("no end of steps");
}

std::string hash_of(const agent::Container& container) {
  const auto found = container.labels.find(agent::labels::kConfigHash);
  return found == container.labels.end() ? "" : found->second;
}

bool has_definition(const v1::Release& release, const agent::Container& container) {
  return std::ranges::any_of(release.services(), [&](const v1::Service& service) {
    return service.config_hash() == hash_of(container);
  });
}

bool is_up(const agent::Container& container) {
  return container.status == agent::ContainerStatus::kRunning;
}

// While one of the next release's own runs, no container that it took the place of waits for the engine to
// start it again.
void check_held_back(const Scenario& scenario, const Journey& journey) {
  const auto containers = scenario.engine.observe().containers;
  const auto service_of = [](const agent::Container& c) { return c.labels.at(agent::labels::kService); };
  for (const agent::Container& kept : containers) {
    if (has_definition(journey.next, kept) || kept.status != agent::ContainerStatus::kExited) continue;
    const bool is_replaced = std::ranges::any_of(containers, [&](const agent::Container& other) {
      return service_of(other) == service_of(kept) && !has_definition(journey.good, other) && is_up(other) &&
             other.labels.at(agent::labels::kComposeNumber) == kept.labels.at(agent::labels::kComposeNumber);
    });
    INFO(kept.name << "\n" << scenario.engine.text());
    if (is_replaced) CHECK(kept.restart_policy == "no");
  }
}

}  // namespace

TEST_CASE("an update that is cut short anywhere goes on to the same end, and keeps what it replaces") {
  for (const Journey& journey : journeys()) {
    INFO(journey.name);
    const std::string expected = end_of(updated(journey));
    at_every_step([&](std::size_t steps, std::mt19937& draw) {
      Scenario scenario = good(journey);
      scenario.want({journey.next});
      const std::size_t left = apply_some(scenario, steps, draw);
      check_held_back(scenario, journey);
      INFO("after " << steps << " steps\n" << scenario.engine.text() << scenario.plan_text());
      scenario.converge();
      CHECK(end_of(scenario) == expected);
      check_held_back(scenario, journey);
      const std::set<std::string> settled = ids(scenario);
      CHECK(scenario.plan().steps.empty());
      scenario.engine.restart();
      scenario.converge();
      CHECK(end_of(scenario) == expected);
      CHECK(ids(scenario) == settled);
      return left;
    });
  }
}

TEST_CASE("an engine that starts again in the middle of an update is no harm") {
  for (const Journey& journey : journeys()) {
    INFO(journey.name);
    const std::string expected = end_of(updated(journey));
    at_every_step([&](std::size_t steps, std::mt19937& draw) {
      Scenario scenario = good(journey);
      scenario.want({journey.next});
      const std::size_t left = apply_some(scenario, steps, draw);
      scenario.engine.restart();
      INFO("after " << steps << " steps\n" << scenario.engine.text() << scenario.plan_text());
      scenario.converge();
      CHECK(end_of(scenario) == expected);
      return left;
    });
  }
}

TEST_CASE("what was kept goes once the release that took its place is good") {
  for (const Journey& journey : journeys()) {
    INFO(journey.name);
    Scenario scenario = updated(journey);
    scenario.find_good();
    scenario.converge();
    Scenario fresh({journey.next});
    fresh.converge();
    CHECK(end_of(scenario) == end_of(fresh));
  }
}

TEST_CASE("the way back is open at every step of an update, and needs no image") {
  for (const Journey& journey : journeys()) {
    INFO(journey.name);
    const Scenario before = good(journey);
    at_every_step([&](std::size_t steps, std::mt19937& draw) {
      Scenario scenario = before;
      scenario.want({journey.next});
      const std::size_t left = apply_some(scenario, steps, draw);
      for (const v1::Service& service : journey.good.services())
        scenario.engine.remove_image(service.image());
      const std::string reached = scenario.engine.text();
      scenario.go_back({journey.good});
      INFO("after " << steps << " steps\n" << reached << scenario.plan_text());
      if (journey.name != "a changed network") {
        for (const agent::Step& step : scenario.plan().steps) {
          CHECK_FALSE(std::holds_alternative<agent::CreateContainer>(step.action));
          CHECK_FALSE(std::holds_alternative<agent::PullImage>(step.action));
        }
        scenario.converge();
        CHECK(ids(scenario) == ids(before));
      }
      scenario.converge();
      CHECK(end_of(scenario) == end_of(before));
      return left;
    });
  }
}

TEST_CASE("a rollback that is cut short anywhere, by agent or engine, goes on to the same end") {
  for (const Journey& journey : journeys()) {
    INFO(journey.name);
    const std::string expected = end_of(good(journey));
    for (const std::size_t begun : {3u, 6u, 100u}) {
      at_every_step([&](std::size_t steps, std::mt19937& draw) {
        Scenario scenario = good(journey);
        scenario.want({journey.next});
        apply_some(scenario, begun, draw);
        scenario.go_back({journey.good});
        const std::size_t left = apply_some(scenario, steps, draw);
        const std::string reached = scenario.engine.text();
        if (draw() % 2 == 0) scenario.engine.restart();
        INFO("begun after " << begun << ", then " << steps << "\n" << reached << scenario.plan_text());
        scenario.converge();
        CHECK(end_of(scenario) == expected);
        return left;
      });
    }
  }
}

TEST_CASE("what failed is gone before what was kept starts") {
  for (const Journey& journey : journeys()) {
    if (journey.name == "a changed network") continue;
    INFO(journey.name);
    Scenario scenario = updated(journey);
    scenario.go_back({journey.good});
    for (agent::Plan plan = scenario.plan(); !plan.steps.empty(); plan = scenario.plan()) {
      for (const agent::Step& step : plan.steps) {
        if (std::holds_alternative<agent::StartContainer>(step.action)) {
          for (const agent::Container& container : scenario.engine.observe().containers) {
            INFO(to_text(plan) << container.name);
            CHECK(has_definition(journey.good, container));
          }
        }
        scenario.apply(step);
      }
    }
  }
}

TEST_CASE("a third release in the middle of an update leads to its own end, and the first is still kept") {
  for (const Journey& journey : journeys()) {
    INFO(journey.name);
    Scenario direct = good(journey);
    direct.want({journey.third});
    direct.converge();
    at_every_step([&](std::size_t steps, std::mt19937& draw) {
      Scenario scenario = good(journey);
      scenario.want({journey.next});
      const std::size_t left = apply_some(scenario, steps, draw);
      const std::string reached = scenario.engine.text();
      scenario.want({journey.third});
      INFO("after " << steps << " steps\n" << reached << scenario.plan_text());
      scenario.converge();
      CHECK(end_of(scenario) == end_of(direct));
      scenario.go_back({journey.good});
      scenario.converge();
      CHECK(end_of(scenario) == end_of(good(journey)));
      return left;
    });
  }
}
