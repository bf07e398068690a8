#pragma once

#include <set>
#include <string>
#include <vector>

#include "agent/plan/desired.h"
#include "agent/plan/observed.h"
#include "agent/plan/past.h"
#include "agent/plan/plan.h"
#include "hivemind/v1/report.pb.h"

// What a pass found, as the stacks' part of the node's report. Pure.
namespace hivemind::agent {

struct Findings {
  const Desired& desired;
  const Observed& observed;
  const Past& past;
  const Plan& plan;
  const std::set<std::string>& busy;  // stacks with steps under way
};

// Of every desired stack, sorted by name, services sorted by name.
std::vector<v1::StackReport> stack_reports(const Findings& findings);

// The release that this stack of the desired ones would be remembered as.
GoodRelease release_of(const DesiredStack& stack);

}  // namespace hivemind::agent
