#pragma once

#include <cstddef>

#include "agent/plan/plan.h"
#include "agent/plan/planner.h"

namespace hivemind::agent {

// Of the steps from `first` on, all of the job's stack: leaves what must be there before the job runs.
void hold_back(const Job& job, std::size_t first, Plan& plan);

// Adds the steps that make and start the containers of the jobs that are due, and remove those that nobody
// waits for. One that runs is let finish, whatever becomes of its release, unless its stack is not wanted any
// more. For a stack that has other steps in the plan nothing is begun.
void plan_jobs(const Situation& situation, Plan& plan);

}  // namespace hivemind::agent
