#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/plan/desired.h"
#include "agent/plan/observed.h"
#include "agent/plan/past.h"
#include "agent/plan/targets.h"

// The services of a release that run once for an update, 'pre' before anything of the stack is touched and
// 'post' when it has been found good. Their containers are told apart by a label, hold no slot and stand in
// Observed::jobs. Pure; pointers point into the Desired and Observed given.
namespace hivemind::agent {

// One that lasts longer has failed.
inline constexpr std::chrono::hours kLongestJob{1};

enum class JobKind { kPre, kPost };

struct Job {
  // kFailed: it is not run again, but what waited for it still waits.
  enum class Turn { kDue, kFailed };
  JobKind kind = JobKind::kPre;
  const DesiredStack* stack = nullptr;  // the manifest's release
  Turn turn = Turn::kDue;
  // There is no release that runs meanwhile: of this one, what the job depends on is put in place before it.
  bool is_first = false;

  const std::string& service() const { return kind == JobKind::kPre ? stack->pre : stack->post; }
  std::string label() const;      // "pre:sha256:…", the value of labels::kJob
  std::string container() const;  // "<stack>-<service>-<first 8 hex digits of the digest>"
};

std::string job_label(JobKind kind, const std::string& digest);

// Whether 'pre' of the release has still to succeed.
bool is_pre_due(const DesiredStack& stack, const Past& past);

// Whether the release is the good one, and 'post' of it has still to end.
bool is_post_due(const DesiredStack& stack, const Past& past);

// Those that are to run now, and those that hold something up.
std::vector<Job> jobs_of(const Desired& desired, const Targets& targets, const Past& past);

// Stacks whose 'pre' has a container, or has succeeded: the release has begun.
std::set<std::string> begun_jobs(const Desired& desired, const Observed& observed, const Past& past);

// Its container; null: none.
const Container* container_of(const Job& job, const Observed& observed, const std::string& node);

// Remembers since when containers of jobs run, and forgets those that are gone.
void note_running(Past& past, const Observed& observed, TimePoint now);

// How it has ended; nothing: it has not, or was interrupted and is to run again. One that fails has a text.
// An agent that never saw it run, and finds that it was ended by a signal or with the engine, takes it for
// interrupted.
std::optional<JobEnd> end_of(const Job& job, const Container& container, const Past& past, TimePoint now);
bool was_interrupted(const Container& container, const Past& past);

// Jobs whose end is not recorded yet.
struct EndedJob {
  Job job;
  std::string container;  // id
  JobEnd end;
};
std::vector<EndedJob> ended_jobs(const Desired& desired, const Observed& observed, const Past& past,
                                 TimePoint now);

// Of a 'pre' that failed; but for time, number and output.
FailedRelease failed_release(const EndedJob& ended);

// Forgets the records of releases that cannot come again: neither the manifest's, nor good. Whether there
// were any.
bool forget_jobs(Past& past, const Desired& desired);

// Whether the release shows to have got past its 'pre', where no record of that is left.
bool shows_passed(const Job& pre, const Observed& observed, const std::string& node);

// The services that a job needs before it on a node where nothing of its stack runs.
std::set<std::string> needed_before(const Job& job);

}  // namespace hivemind::agent
