#pragma once

#include <set>
#include <string>

#include "agent/plan/desired.h"
#include "agent/plan/jobs.h"
#include "agent/plan/observed.h"
#include "agent/plan/past.h"
#include "agent/plan/plan.h"

namespace hivemind::agent {

// From this Engine API on, a container is created with all its networks; before, with the first.
inline constexpr ApiLevel kManyEndpoints{1, 44};

struct Situation {
  // What is to run now: a stack whose desired release is still to come, or has failed, is there as its last
  // good release (Origin::kGood).
  const Desired& desired;
  const Observed& observed;
  const Past& past;
  const Answers& answers;
  ApiLevel engine_api;
  const std::set<std::string>& busy;  // stacks with steps under way: nothing is planned for them
  TimePoint now;
  std::int64_t wall_s = 0;  // Unix time; may be wrong
  // Releases to come, in place of whose stacks `desired` has others: all that can be fetched without touching
  // what runs is fetched for them.
  std::vector<const DesiredStack*> candidates = {};
  std::vector<Job> jobs = {};
  bool jobs_saved = true;  // what `past` holds of jobs is on the disk, so that their containers can go
  SecretTroubles secrets = {};
};

// What to do next, and why nothing is done where something is amiss. Pure and deterministic.
//
// The rules it keeps, whatever is observed:
//  - nothing without our label and this node's is named in a step; named volumes are never removed;
//  - what is as desired gets no step;
//  - an old container is stopped only once the new one has been made, and removed only once that one was
//  started; one of the stack's good release (Past::good) is kept, stopped and out of the engine's own
//  restarts, as long as another release is desired;
//  - waiting (for a pull, a health check, a completion, the end of a backoff) is a pending condition, not a
//  step.
// So any prefix of a plan, in any order that `after` allows, leaves what the next plan can go on from.
Plan make_plan(const Situation& situation);

}  // namespace hivemind::agent
