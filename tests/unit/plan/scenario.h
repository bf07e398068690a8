#pragma once

#include <set>
#include <string>
#include <vector>

#include "agent/plan/planner.h"
#include "agent/plan/report.h"
#include "tests/support/engine_model.h"
#include "tests/support/manifest_builder.h"

namespace hivemind::tests {

// A wish, an engine in memory, and a planner between them. Steps are applied one by one, in the order of the
// plan.
class Scenario {
 public:
  explicit Scenario(std::vector<v1::Release> releases);

  // Another manifest.
  void want(std::vector<v1::Release> releases);
  // The plan as it stands now; the planner's questions are answered from the engine.
  agent::Plan plan() const;
  std::string plan_text() const { return to_text(plan()); }
  // Applies the first `most` steps of one plan; those after a failed step count as applied.
  void apply(const agent::Plan& plan, std::size_t most = 1000);
  void apply(const agent::Step& step);
  // Plans and applies until there are no steps; returns how many plans had some. Fails the test after 20.
  int converge();
  // What the reports say of the stacks: "web running app:running" and so on.
  std::string states() const;
  // Remembers the stacks that run now, as the agent does.
  void remember();
  // The same, and they can come back.
  void find_good();
  // What is wanted has failed: the last good release of each of its stacks is wanted instead. Those are
  // given.
  void go_back(std::vector<v1::Release> good);

  EngineModel engine;
  agent::Desired wanted;
  std::vector<agent::DesiredStack> candidates;  // releases to come
  std::vector<agent::Job> jobs;                 // services that are to run once
  agent::Past past;
  agent::ApiLevel api{1, 41};
  agent::TimePoint now{};
  std::int64_t wall_s = 0;
  agent::SecretTroubles secrets;
};

}  // namespace hivemind::tests
