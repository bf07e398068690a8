#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "agent/plan/past.h"
#include "agent/plan/slots.h"

// Whether a service's dependencies let it start. Pure.
namespace hivemind::agent {

// The start steps that the plan holds so far, by service.
using Starts = std::map<std::string, std::vector<std::size_t>>;

// For a container that only has to be started again, an old container of the dependency is as good as before.
enum class Strictness { kCurrentOnly, kAnyVersion };

struct Gate {
  enum class State { kOpen, kWaiting, kFailed };
  State state = State::kOpen;
  std::string text;                // what is waited for
  std::vector<std::size_t> after;  // open once these steps have succeeded
};

// kFailed when a required dependency cannot be expected to come by itself.
Gate gate_of(const DesiredService& service, const StackView& view, const Past& past, const Starts& starts,
             Strictness strictness);

}  // namespace hivemind::agent
