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
  // Plans and applies until there are no steps; returns how many plans had some. Fails the test after 20.
  int converge();
  // What the reports say of the stacks: "web running app:running" and so on.
  std::string states() const;
  // Remembers the stacks that run now, as the agent does.
  void remember();

  EngineModel engine;
  agent::Desired wanted;
  agent::Past past;
  agent::ApiLevel api{1, 41};
  agent::TimePoint now{};
  std::int64_t wall_s = 0;

 private:
  void apply(const agent::Step& step);
};

}  // namespace hivemind::tests
