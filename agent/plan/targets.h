#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "agent/plan/desired.h"
#include "agent/plan/past.h"
#include "hivemind/v1/report.pb.h"

// Which release of each stack is to run now: the manifest's, or the last good one in its place. Pure.
namespace hivemind::agent {

enum class Phase {
  kCurrent,   // the manifest's release: it is the good one, or there is none to go back to
  kFetching,  // the good one runs; what the manifest's needs is on its way to the node
  kUnsaved,  // it is there, and waits until the good one is on the disk, without which it could not come back
  kWindow,   // it waits for the stack's window
  kPre,      // its 'pre' service is under way, or has failed
  kFirst,    // there is none to go back to, and 'pre' of the manifest's is under way, or has failed: of that
             // release only what 'pre' needs is put in place
  kTrial,    // it is put in place, or runs and is watched
  kRolledBack,  // it failed on this node; the good one runs
  kRefused,     // the node's policy forbids it; the good one runs
  kHeld,        // likewise, and none can come back: what is there of the stack is left as it is
};

struct Target {
  Phase phase = Phase::kCurrent;
  v1::Reason reason = v1::REASON_NONE;  // why it is held back, where more can be said than the phase does
  std::string text;
  std::optional<std::int64_t> look_s = {};  // Unix time at which it may go on by itself
};
using Targets = std::map<std::string, Target>;  // by stack

// Whether the good release stands in for the manifest's.
bool runs_good(Phase phase);
// Whether the manifest's release is still to come: what it needs is fetched.
bool is_awaited(Phase phase);

struct TargetFacts {
  const Desired& desired;  // the manifest's
  const Past& past;
  const std::set<std::string>& fetched;              // stacks whose releases are on the node as a whole
  const std::set<std::string>& unsaved;              // stacks whose good releases are not on the disk yet
  std::optional<std::int64_t> wall_s;                // Unix time; none: nobody has set the clock
  const std::map<std::string, std::string>& opened;  // digests whose windows an operator opened, by stack
  std::set<std::string> jobs_begun = {};             // stacks whose 'pre' has begun: see begun_jobs()
  std::map<std::string, std::string> refused = {};   // by stack: what of it the node's policy forbids
};

// Of every stack of the manifest.
Targets choose_targets(const TargetFacts& facts);

// The good release of the stack, if it can come back.
const GoodRelease* good_of(const Past& past, const std::string& stack);
// What is known of the failure of the release on this node, if it failed.
const FailedRelease* failure_of(const Past& past, const DesiredStack& stack);

}  // namespace hivemind::agent
