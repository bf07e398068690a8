#include "agent/plan/plan_jobs.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "agent/plan/stack_planner.h"

namespace hivemind::agent {
namespace {

bool may_come_before(const Step& step, const std::set<std::string>& needed) {
  if (std::holds_alternative<PullImage>(step.action) || std::holds_alternative<CreateNetwork>(step.action) ||
      std::holds_alternative<CreateVolume>(step.action)) {
    return true;
  }
  return needed.contains(step.service);
}

class JobPlanner {
 public:
  JobPlanner(const Situation& situation, Plan& plan) : situation_(situation), plan_(plan) {
    for (const Step& step : plan.steps) moving_.insert(step.stack);
  }

  void run() {
    notice_failures();
    for (const Container& container : situation_.observed.jobs) {
      if (is_ours(container.labels, situation_.desired.node)) tend(container);
    }
    for (const Job& job : situation_.jobs) {
      if (job.turn == Job::Turn::kDue && !situation_.busy.contains(job.stack->name)) begin(job);
    }
  }

 private:
  // The release is good for all that: only people can tell what is to be done.
  void notice_failures() {
    for (const auto& [stack, ends] : situation_.past.jobs) {
      const DesiredStack* wanted = situation_.desired.stack(stack);
      if (wanted == nullptr) continue;
      const auto end = ends.find(job_label(JobKind::kPost, wanted->digest));
      if (end == ends.end() || end->second.text.empty()) continue;
      const std::string& output = end->second.output;
      plan_.notices.push_back({stack, notice_kinds::kPostFailed, wanted->post,
                               output.empty() ? end->second.text : end->second.text + ": " + output});
    }
  }

  const Job* awaited(const Container& container) const {
    const auto found = std::ranges::find_if(situation_.jobs, [&](const Job& job) {
      return job.turn == Job::Turn::kDue &&
             container_of(job, situation_.observed, situation_.desired.node) == &container;
    });
    return found == situation_.jobs.end() ? nullptr : &*found;
  }

  bool has_time_left(const Container& container) {
    const auto seen = situation_.past.job_seen.find(container.id);
    if (seen == situation_.past.job_seen.end()) return true;
    const TimePoint end = seen->second + kLongestJob;
    if (end > situation_.now && (!plan_.next_look || end < *plan_.next_look)) plan_.next_look = end;
    return end > situation_.now;
  }

  void tend(const Container& container) {
    const std::string stack(label_of(container.labels, labels::kStack));
    if (situation_.busy.contains(stack)) return;
    const bool is_wanted = situation_.desired.stack(stack) != nullptr;
    if (is_wanted && is_up(container) && has_time_left(container)) {
      under_way_.insert(stack);
      return;
    }
    const Job* job = awaited(container);
    const bool dead = container.status == ContainerStatus::kDead;
    if (job != nullptr && !is_up(container) && !dead && !was_interrupted(container, situation_.past)) return;
    under_way_.insert(stack);
    if (is_wanted && !situation_.jobs_saved) return;
    remove(container, stack,
           job != nullptr ? "it was interrupted and runs again"
                          : (is_wanted ? "it is done with" : "its stack is not wanted on this node"));
  }

  void remove(const Container& container, const std::string& stack, const std::string& why) {
    if (container.status == ContainerStatus::kRemoving) return;
    const std::string service(label_of(container.labels, labels::kService));
    const std::string cause = fmt::format("service '{}' of stack '{}': {}", service, stack, why);
    std::vector<std::size_t> after;
    const auto add = [&](Action action) {
      plan_.steps.push_back({stack, service, std::move(action), Purpose::kRemove, cause, after, Pace::kFree,
                             std::string(label_of(container.labels, labels::kJob))});
      after = {plan_.steps.size() - 1};
    };
    if (is_up(container)) add(StopContainer{ref(container)});
    add(RemoveContainer{ref(container)});
  }

  void begin(const Job& job) {
    const std::string& stack = job.stack->name;
    if (under_way_.contains(stack) || moving_.contains(stack)) return;
    const std::size_t first = plan_.steps.size();
    StackPlanner planner(situation_, view_of(stack, job.stack, situation_.observed, situation_.desired.node),
                         plan_);
    planner.run_job(job, container_of(job, situation_.observed, situation_.desired.node));
    for (std::size_t i = first; i < plan_.steps.size(); ++i) plan_.steps[i].job = job.label();
  }

  const Situation& situation_;
  Plan& plan_;
  std::set<std::string> moving_;     // stacks with other steps
  std::set<std::string> under_way_;  // stacks with a job that runs, or one that goes
};

}  // namespace

void hold_back(const Job& job, std::size_t first, Plan& plan) {
  const std::set<std::string> needed = needed_before(job);
  std::map<std::size_t, std::size_t> places;
  std::vector<Step> kept;
  for (std::size_t i = first; i < plan.steps.size(); ++i) {
    Step& step = plan.steps[i];
    if (!may_come_before(step, needed)) continue;
    std::vector<std::size_t> after;
    for (const std::size_t before : step.after) {
      const auto place = places.find(before);
      if (place != places.end()) after.push_back(place->second);
    }
    step.after = std::move(after);
    places[i] = first + kept.size();
    kept.push_back(std::move(step));
  }
  plan.steps.resize(first);
  std::ranges::move(kept, std::back_inserter(plan.steps));
}

void plan_jobs(const Situation& situation, Plan& plan) {
  JobPlanner(situation, plan).run();
}

void StackPlanner::run_job(const Job& job, const Container* there) {
  if (!engine_will_do() || is_of_others()) return;
  const ServiceView& view = view_.services.at(job.service());
  const DesiredService& service = *view.service;
  if (is_held(service) || !secrets_ready(service)) return;
  if (job.is_first && !open_gate(view, Strictness::kCurrentOnly)) return;
  const Change change{Purpose::kDeploy,
                      fmt::format("service '{}' of stack '{}' runs {}", service.name, view_.name,
                                  job.kind == JobKind::kPre ? "before the update" : "after the update")};
  if (there != nullptr) {
    if (there->status != ContainerStatus::kCreated || !there->error.empty()) return;
    Indices before = connect_missing(view, ref(*there), there, {}, change);
    if (const auto secrets = secrets_step(service)) before.push_back(*secrets);
    add(service.name, StartContainer{ref(*there)}, change, std::move(before));
    return;
  }
  // Both, so that all questions are asked at once.
  const bool has_resources = resources_ready(service);
  if (!policy_is_met(service) || !has_resources) return;
  const std::string name = job.container();
  const std::size_t created = add(service.name, CreateContainer{name, 1, {}, {}}, change, needs_of(view));
  Indices ready = connect_missing(view, {"", name}, nullptr, {created}, change);
  ready.push_back(created);
  add(service.name, StartContainer{{"", name}}, change, std::move(ready));
}

}  // namespace hivemind::agent
