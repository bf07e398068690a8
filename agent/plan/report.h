#pragma once

#include <set>
#include <string>
#include <vector>

#include "agent/plan/desired.h"
#include "agent/plan/observed.h"
#include "agent/plan/past.h"
#include "agent/plan/plan.h"
#include "agent/plan/targets.h"
#include "hivemind/v1/report.pb.h"

// What a pass found, as the stacks' part of the node's report. Pure.
namespace hivemind::agent {

struct Findings {
  const Desired& desired;  // the manifest's
  const Observed& observed;
  const Past& past;
  const Plan& plan;
  const std::set<std::string>& busy;   // stacks with steps under way
  const Desired* effective = nullptr;  // what the plan was made for; null: the manifest's
  const Targets* targets = nullptr;    // null: all stacks run the manifest's release

  const DesiredStack& running(const DesiredStack& stack) const;  // what stands for it in `effective`
  const Target* target(const std::string& stack) const;
};

// Of every desired stack, sorted by name, services sorted by name.
std::vector<v1::StackReport> stack_reports(const Findings& findings);

// Whether all of a desired stack runs as the manifest wants it, and nothing is left to do.
bool is_sound(const Findings& findings, const DesiredStack& stack);

// The release that this stack of the desired ones would be remembered as; the images are those that its
// containers run with.
GoodRelease release_of(const DesiredStack& stack);
GoodRelease release_of(const DesiredStack& stack, const Observed& observed, const std::string& node);

}  // namespace hivemind::agent
