// Services that run once for an update: what has become of them.
#include <fmt/format.h>

#include "agent/apply/reconciler.h"
#include "common/log.h"

namespace hivemind::agent {
namespace {

namespace asio = boost::asio;

constexpr int kLogLines = 20;

}  // namespace

// On the disk before the container goes: one whose end nobody remembers would run again.
asio::awaitable<void> Reconciler::judge_jobs(std::shared_ptr<const Desired> desired,
                                             std::set<std::string> busy) {
  note_running(past_, standing_.observed, Clock::now());
  for (const DesiredStack& stack : desired->stacks) {
    const Job pre{JobKind::kPre, &stack};
    const bool lost = good_of(past_, stack.name) == nullptr && is_pre_due(stack, past_) &&
                      shows_passed(pre, standing_.observed, desired->node);
    if (!lost) continue;
    past_.jobs[stack.name][pre.label()] = {};
    callbacks_.on_past();
  }
  for (const EndedJob& ended : ended_jobs(*desired, standing_.observed, past_, Clock::now())) {
    if (!busy.contains(ended.job.stack->name)) co_await settle_job(ended);
  }
}

asio::awaitable<void> Reconciler::settle_job(EndedJob ended) {
  const std::string stack = ended.job.stack->name;
  const bool is_pre = ended.job.kind == JobKind::kPre;
  const bool failed = !ended.end.text.empty();
  if (is_pre && failed) {
    TrialFailure failure;
    failure.release = failed_release(ended);
    failure.container = ended.container;
    co_await fail(stack, failure);
    co_return;
  }
  if (failed) {
    try {
      const std::string log = co_await engine_.container_log(ended.container, kLogLines);
      ended.end.output = last_words(log);
    } catch (const Error& error) {
      log::warn("stack '{}': {}", stack, error.what());
    }
  }
  past_.jobs[stack][ended.job.label()] = ended.end;
  callbacks_.on_past();
  const std::string kind = is_pre ? "pre_done" : (failed ? "post_failed" : "post_done");
  callbacks_.on_happening({kind, stack, ended.job.service(),
                           failed ? v1::REASON_POST_FAILED : v1::REASON_NONE,
                           failed ? ended.end.text
                                  : fmt::format("service '{}' of release {} ended with code 0",
                                                ended.job.service(), ended.job.stack->digest)});
}

// One that has ended before a pass sees it run was not interrupted.
void Reconciler::note_job(const Occasion& occasion, const Step& step) {
  const auto* start = std::get_if<StartContainer>(&step.action);
  if (start == nullptr || step.job.empty()) return;
  const auto made = occasion.made.find(start->container.name);
  const bool is_new = start->container.id.empty() && made != occasion.made.end();
  past_.job_seen.emplace(is_new ? made->second : start->container.id, Clock::now());
}

}  // namespace hivemind::agent
