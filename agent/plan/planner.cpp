#include "agent/plan/planner.h"

#include "agent/plan/plan_jobs.h"
#include "agent/plan/stack_planner.h"

namespace hivemind::agent {
namespace {

template <typename Things>
void collect_stacks(const Things& things, const std::string& node, std::set<std::string>& names) {
  for (const auto& thing : things) {
    if (is_ours(thing.labels, node)) names.emplace(label_of(thing.labels, labels::kStack));
  }
}

}  // namespace

Plan make_plan(const Situation& situation) {
  std::set<std::string> names;
  for (const DesiredStack& stack : situation.desired.stacks) names.insert(stack.name);
  collect_stacks(situation.observed.containers, situation.desired.node, names);
  collect_stacks(situation.observed.networks, situation.desired.node, names);
  Plan plan;
  for (const std::string& name : names) {
    if (situation.busy.contains(name)) continue;
    StackPlanner planner(
        situation, view_of(name, situation.desired.stack(name), situation.observed, situation.desired.node),
        plan);
    const std::size_t first = plan.steps.size();
    planner.run();
    for (const Job& job : situation.jobs) {
      if (job.is_first && job.stack->name == name) hold_back(job, first, plan);
    }
  }
  for (const DesiredStack* candidate : situation.candidates) {
    StackPlanner planner(
        situation, view_of(candidate->name, candidate, situation.observed, situation.desired.node), plan);
    planner.fetch_all();
  }
  plan_jobs(situation, plan);
  return plan;
}

}  // namespace hivemind::agent
