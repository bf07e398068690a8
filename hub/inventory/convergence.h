#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hub/inventory/inventory.h"

// How far nodes and stacks are from what they should run: pure rules over what the inventory holds.
namespace hivemind::hub {

enum class Standing {
  kUnknown,    // never reported
  kOffline,    // whatever it reported last, it cannot be relied on
  kPending,    // has not received its newest manifest
  kApplying,   // has it, and is not there yet
  kScheduled,  // has it, and waits for the window in which it may apply what is left
  kFailed,     // says that it cannot get there
  kConverged,  // runs all of its newest manifest
  kRevoked,    // the hub has put it out: nothing is wanted of it, and nothing it says counts
};

std::string_view to_string(Standing standing);

struct Assessment {
  Standing standing = Standing::kUnknown;
  v1::Reason reason = v1::REASON_NONE;
  std::string text;
  std::string stack = {};  // that says so; may be empty
  std::string service = {};
};

Assessment assess(const Node& node);

// Of one stack on one node. Its kConverged is what people call running.
struct StackAssessment {
  Standing standing = Standing::kUnknown;
  v1::Reason reason = v1::REASON_NONE;
  std::string text;
  const v1::StackReport* report = nullptr;  // the node's own words, which may be about an older release
};

StackAssessment assess_stack(const Node& node, const std::string& stack);

struct Laggard {
  std::string node;
  v1::Reason reason = v1::REASON_NONE;
  std::string text;
  std::string stack;  // that says so; may be empty
  std::string service;
};

struct Convergence {
  std::vector<Laggard> failed;
  std::vector<Laggard> waiting;
  std::vector<Laggard> scheduled;    // for their windows: not waited for
  std::vector<std::string> offline;  // not waited for
  bool converged() const { return failed.empty() && waiting.empty(); }
};

Convergence assess(const Inventory& inventory);

}  // namespace hivemind::hub
