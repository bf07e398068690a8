#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "agent/plan/notices.h"
#include "agent/plan/pulled_image.h"
#include "hivemind/v1/report.pb.h"

// What the planner may know besides the wish and reality: what was tried, and what was seen that reality does
// not show any more. Losing it costs repeated work, never a wrong step.
namespace hivemind::agent {

// Steady: a clock that is set (or wrong from the start) must not move a retry.
using TimePoint = std::chrono::steady_clock::time_point;

// Attempts at one subject that did not last.
struct Trouble {
  unsigned attempts = 0;
  TimePoint not_before{};  // no further attempt earlier than that; TimePoint(): somebody has asked for one
  v1::Reason reason = v1::REASON_NONE;
  std::string text;
  std::string config_hash;  // of the definition that was tried; another one is tried at once

  // Until the attempt that was asked for has ended, nobody knows whether it helps.
  bool is_tried_anew() const { return not_before == TimePoint(); }
};

// A pull that runs, or has failed and waits for its next attempt.
struct Fetch {
  enum class State { kPulling, kFailed };
  State state = State::kPulling;
  TimePoint not_before{};  // as of Trouble
  v1::Reason reason = v1::REASON_PULLING;
  std::string text;
  std::int64_t done_bytes = 0;   // compressed, of the layers that the node lacks
  std::int64_t total_bytes = 0;  // 0: not known yet

  bool is_tried_anew() const { return not_before == TimePoint(); }
};

// The newest release of a stack that ran here as desired for its soak time: what comes back when a newer one
// fails.
struct GoodRelease {
  std::string digest;
  std::string revision;
  std::map<std::string, std::string> services = {};  // config hash by name, of those that have containers
  std::map<std::string, std::string> images = {};    // id by service: a tag may have moved since
  // The release itself, a serialized v1::Release; empty: only its hashes are known, and it cannot come back.
  // Its files' contents are in the store.
  std::string release = {};
  bool operator==(const GoodRelease&) const = default;
};

// A release that failed on this node. It is not tried again until an operator says so.
struct FailedRelease {
  std::string digest;
  std::string revision;
  std::string service;
  v1::Reason reason = v1::REASON_NONE;
  std::string text;
  int exit_code = 0;
  std::string output;        // last lines of the health check or the log
  std::int64_t at_ms = 0;    // Unix time; may be wrong
  bool restored = false;     // a good release was there to come back
  std::uint64_t number = 0;  // of its recording; the higher, the newer
  bool operator==(const FailedRelease&) const = default;
};

// A step of a release that the engine refused, so that trying it again is of no use.
struct RefusedStep {
  std::string service;  // may be empty
  v1::Reason reason = v1::REASON_NONE;
  std::string text;
};

// The passage of a stack from its good release to the desired one, from the first step on; of one that has no
// good release yet, until it has.
struct Trial {
  std::string digest;
  std::optional<TimePoint> sound_since = {};  // all services run as desired since then
  // The containers that it is judged by, and how often the engine had restarted each when it was first seen
  // to run. Emptied when the engine has gone: what ends with the engine is no failure of the release.
  std::map<std::string, std::uint32_t> watched = {};
  std::optional<RefusedStep> refused = {};
};

// How a service that runs once for a release has ended.
struct JobEnd {
  int exit_code = 0;
  std::string text;    // empty: well
  std::string output;  // last lines of its log, where it failed
  bool operator==(const JobEnd&) const = default;
};

struct Past {
  std::set<std::string> completed;          // ids of containers that ended well by themselves
  std::set<std::string> ended_by_hand;      // ids of containers that somebody stopped or killed
  std::map<std::string, Trouble> troubles;  // by subject: "<stack>/<service>", "<stack>/network:<name>" …
  std::map<std::string, GoodRelease> good;  // by stack
  std::map<std::string, std::map<std::string, FailedRelease>> failed = {};  // by stack and digest
  std::map<std::string, Trial> trials = {};                                 // by stack
  // By stack and Job::label(); of 'pre' only those that ended well.
  std::map<std::string, std::map<std::string, JobEnd>> jobs = {};
  std::map<std::string, TimePoint> job_seen =
      {};                                // by id of a job's container: since when it is known to run
  std::map<std::string, Fetch> fetches;  // by image_key()
  Notices notices;                       // what steps have learnt
  // The engine cannot change restart policies (Podman before 5): what is kept keeps its own.
  bool fixed_policies = false;
  std::set<std::string> restarting;  // ids of containers that were stopped to be started with another
  std::set<std::string> hooked;      // ids of containers whose post_start hooks have run
  std::map<std::string, std::int64_t>
      pulled;                         // when images were pulled last, Unix time in seconds, by image_key()
  std::set<std::string> fresh;        // "<stack>/<service>" whose image was pulled for the container to come
  std::set<PulledImage> images = {};  // that this agent has had pulled, and that were still there
  std::set<std::string> barred = {};  // stacks whose good releases the node's policy forbids by now
};

// One image as one platform has it.
inline std::string image_key(const std::string& image, const std::string& platform) {
  return platform.empty() ? image : image + " (" + platform + ")";
}

}  // namespace hivemind::agent
