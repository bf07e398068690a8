#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "agent/plan/desired.h"
#include "agent/plan/observed.h"
#include "agent/plan/past.h"
#include "agent/plan/plan.h"

// Whether a release that takes the place of a good one is any good itself. Pure.
namespace hivemind::agent {

struct TrialFacts {
  const DesiredStack& stack;  // the release on trial
  const Observed& observed;
  const Past& past;
  const std::string& node;
};

// The failure of a release, and where its last words are.
struct TrialFailure {
  FailedRelease release;  // but for time and number; output where it is known already
  std::string container;  // id of the one whose log tells more; empty: none
};

// Adds to the trial's watched containers those that have come to run since.
void watch(Trial& trial, const TrialFacts& facts);

// Whether a container of the service is one that the release has brought, not one that ran before it as well.
bool is_brought(const DesiredService& service, const std::string& stack, const Past& past);

// Nothing: it has not failed, as far as can be seen.
std::optional<TrialFailure> failure_in(const Trial& trial, const TrialFacts& facts);

// Whether a step's failure for that reason is the engine's own verdict on the release.
bool is_refusal(const Step& step, v1::Reason reason);

// How long all services must run as desired; the longest of theirs.
std::chrono::milliseconds soak_of(const DesiredStack& stack);

// The end of a text, of whole lines where there are some, and valid UTF-8.
std::string last_words(const std::string& text);

}  // namespace hivemind::agent
