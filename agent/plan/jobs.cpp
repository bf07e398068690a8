#include "agent/plan/jobs.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "agent/plan/slots.h"

namespace hivemind::agent {
namespace {

// 128 and SIGKILL or SIGTERM; and what the engine says of one that did not survive its own end.
constexpr std::array kInterruptions{137, 143, 255};

bool has_ended(const Past& past, const std::string& stack, const std::string& label) {
  const auto ended = past.jobs.find(stack);
  return ended != past.jobs.end() && ended->second.contains(label);
}

bool is_good(const Past& past, const DesiredStack& stack) {
  const auto good = past.good.find(stack.name);
  return good != past.good.end() && good->second.digest == stack.digest;
}

JobEnd failure(const Container& container, std::string text) {
  return {container.exit_code, std::move(text), ""};
}

}  // namespace

std::string job_label(JobKind kind, const std::string& digest) {
  return (kind == JobKind::kPre ? "pre:" : "post:") + digest;
}

std::string Job::label() const {
  return job_label(kind, stack->digest);
}

std::string Job::container() const {
  const std::string hex = stack->digest.substr(stack->digest.find(':') + 1);
  return fmt::format("{}-{}-{}", stack->name, service(), hex.substr(0, 8));
}

bool is_pre_due(const DesiredStack& stack, const Past& past) {
  return !stack.pre.empty() && !has_ended(past, stack.name, job_label(JobKind::kPre, stack.digest));
}

bool is_post_due(const DesiredStack& stack, const Past& past) {
  return !stack.post.empty() && is_good(past, stack) &&
         !has_ended(past, stack.name, job_label(JobKind::kPost, stack.digest));
}

std::vector<Job> jobs_of(const Desired& desired, const Targets& targets, const Past& past) {
  std::vector<Job> jobs;
  for (const DesiredStack& stack : desired.stacks) {
    const auto target = targets.find(stack.name);
    const Phase phase = target == targets.end() ? Phase::kCurrent : target->second.phase;
    if (phase == Phase::kRefused || phase == Phase::kHeld) continue;
    if (phase == Phase::kPre || phase == Phase::kFirst) {
      const bool failed = target->second.reason == v1::REASON_PRE_FAILED;
      jobs.push_back(
          {JobKind::kPre, &stack, failed ? Job::Turn::kFailed : Job::Turn::kDue, phase == Phase::kFirst});
    } else if (is_post_due(stack, past)) {
      jobs.push_back({JobKind::kPost, &stack});
    }
  }
  return jobs;
}

const Container* container_of(const Job& job, const Observed& observed, const std::string& node) {
  const auto found = std::ranges::find_if(observed.jobs, [&](const Container& container) {
    return is_ours(container.labels, node) && label_of(container.labels, labels::kStack) == job.stack->name &&
           label_of(container.labels, labels::kJob) == job.label();
  });
  return found == observed.jobs.end() ? nullptr : &*found;
}

std::set<std::string> begun_jobs(const Desired& desired, const Observed& observed, const Past& past) {
  std::set<std::string> begun;
  for (const DesiredStack& stack : desired.stacks) {
    if (stack.pre.empty()) continue;
    const Job job{JobKind::kPre, &stack};
    if (!is_pre_due(stack, past) || container_of(job, observed, desired.node) != nullptr)
      begun.insert(stack.name);
  }
  return begun;
}

void note_running(Past& past, const Observed& observed, TimePoint now) {
  std::set<std::string> there;
  for (const Container& container : observed.jobs) {
    there.insert(container.id);
    if (is_up(container)) past.job_seen.emplace(container.id, now);
  }
  std::erase_if(past.job_seen, [&](const auto& entry) { return !there.contains(entry.first); });
}

bool was_interrupted(const Container& container, const Past& past) {
  const bool ended =
      container.status == ContainerStatus::kExited || container.status == ContainerStatus::kDead;
  return ended && !past.job_seen.contains(container.id) &&
         std::ranges::find(kInterruptions, container.exit_code) != kInterruptions.end();
}

std::optional<JobEnd> end_of(const Job& job, const Container& container, const Past& past, TimePoint now) {
  if (is_up(container)) {
    const auto seen = past.job_seen.find(container.id);
    if (seen == past.job_seen.end() || now - seen->second < kLongestJob) return std::nullopt;
    return failure(container, fmt::format("service '{}' has run for longer than {} h", job.service(),
                                          kLongestJob.count()));
  }
  if (container.status == ContainerStatus::kCreated) {
    if (container.error.empty()) return std::nullopt;
    return failure(container, fmt::format("service '{}' does not start: {}", job.service(), container.error));
  }
  if (container.status != ContainerStatus::kExited || was_interrupted(container, past)) return std::nullopt;
  if (container.exit_code == 0) return JobEnd{};
  return failure(container,
                 fmt::format("service '{}' ended with code {}", job.service(), container.exit_code));
}

std::vector<EndedJob> ended_jobs(const Desired& desired, const Observed& observed, const Past& past,
                                 TimePoint now) {
  std::vector<EndedJob> all;
  for (const DesiredStack& stack : desired.stacks) {
    for (const JobKind kind : {JobKind::kPre, JobKind::kPost}) {
      const Job job{kind, &stack};
      if (job.service().empty() || has_ended(past, stack.name, job.label())) continue;
      const FailedRelease* failed = failure_of(past, stack);
      if (kind == JobKind::kPre && failed != nullptr && failed->reason == v1::REASON_PRE_FAILED) continue;
      const Container* container = container_of(job, observed, desired.node);
      if (container == nullptr) continue;
      if (auto end = end_of(job, *container, past, now)) all.push_back({job, container->id, std::move(*end)});
    }
  }
  return all;
}

FailedRelease failed_release(const EndedJob& ended) {
  FailedRelease failed;
  failed.digest = ended.job.stack->digest;
  failed.revision = ended.job.stack->revision;
  failed.service = ended.job.service();
  failed.reason = v1::REASON_PRE_FAILED;
  failed.text = ended.end.text;
  failed.exit_code = ended.end.exit_code;
  return failed;
}

bool forget_jobs(Past& past, const Desired& desired) {
  std::size_t forgotten = 0;
  for (auto& [name, ends] : past.jobs) {
    const DesiredStack* stack = desired.stack(name);
    const auto good = past.good.find(name);
    forgotten += std::erase_if(ends, [&](const auto& entry) {
      const std::string digest = entry.first.substr(entry.first.find(':') + 1);
      const bool is_good_one = good != past.good.end() && good->second.digest == digest;
      return stack == nullptr || (stack->digest != digest && !is_good_one);
    });
  }
  std::erase_if(past.jobs, [](const auto& entry) { return entry.second.empty(); });
  return forgotten > 0;
}

bool shows_passed(const Job& pre, const Observed& observed, const std::string& node) {
  const std::set<std::string> needed = needed_before(pre);
  return std::ranges::any_of(observed.containers, [&](const Container& container) {
    return is_ours(container.labels, node) && label_of(container.labels, labels::kStack) == pre.stack->name &&
           label_of(container.labels, labels::kDigest) == pre.stack->digest &&
           !needed.contains(std::string(label_of(container.labels, labels::kService)));
  });
}

std::set<std::string> needed_before(const Job& job) {
  std::set<std::string> needed;
  std::vector<std::string> open{job.service()};
  while (!open.empty()) {
    const DesiredService* service = job.stack->service(open.back());
    open.pop_back();
    if (service == nullptr) continue;
    std::vector<std::string> next = service->bases();
    for (const Dependency& dependency : service->depends_on) next.push_back(dependency.service);
    for (std::string& name : next) {
      if (needed.insert(name).second) open.push_back(std::move(name));
    }
  }
  return needed;
}

}  // namespace hivemind::agent
