#include <algorithm>
#include <map>
#include <string_view>

#include <fmt/format.h>

#include "agent/apply/reconciler.h"
#include "agent/plan/slots.h"
#include "common/log.h"

namespace hivemind::agent {
namespace {

constexpr std::chrono::milliseconds kFirstDelay{1'000};
constexpr std::chrono::milliseconds kLongestDelay{300'000};
constexpr unsigned kMostDoublings = 10;
// A service that ran so long after its last attempt starts from nought when it fails again.
constexpr std::chrono::seconds kStable{30};

std::chrono::milliseconds delay_after(unsigned attempts) {
  return std::min(kFirstDelay * (1u << std::min(attempts - 1, kMostDoublings)), kLongestDelay);
}

// The engine frees a container's name a moment after it tells of its end, and a container whose namespaces
// another one joins may just be starting again: a conflict is mostly over at once.
constexpr std::chrono::milliseconds kConflictDelay{50};
constexpr unsigned kConflicts = 5;

bool is_passing_conflict(const Step& step, const Error& error, unsigned attempts) {
  const bool may_pass = std::holds_alternative<CreateContainer>(step.action) ||
                        std::holds_alternative<StartContainer>(step.action);
  // Between two restarts of a container the engine does not find its network sandbox, and answers 404
  // (20.10).
  const bool is_between = std::holds_alternative<RenameContainer>(step.action) &&
                          (error.code() == ErrorCode::kNotFound || error.code() == ErrorCode::kConflict);
  return ((may_pass && error.code() == ErrorCode::kConflict) || is_between) && attempts <= kConflicts;
}

v1::Reason reason_of(const Step& step, const Error& error) {
  if (std::holds_alternative<PlaceSecrets>(step.action)) return v1::REASON_SECRETS_FAILED;
  if (error.code() == ErrorCode::kExhausted) return v1::REASON_DISK_SHORT;
  if (error.code() == ErrorCode::kUnavailable && !std::holds_alternative<PlaceFiles>(step.action)) {
    return v1::REASON_ENGINE_DOWN;
  }
  if (std::holds_alternative<PlaceFiles>(step.action)) return v1::REASON_FILES_FAILED;
  if (std::holds_alternative<CreateContainer>(step.action)) return v1::REASON_CREATE_FAILED;
  if (std::holds_alternative<StartContainer>(step.action)) {
    return taken_port(error.what()) ? v1::REASON_PORT_TAKEN : v1::REASON_START_FAILED;
  }
  if (std::holds_alternative<RunHooks>(step.action)) return v1::REASON_HOOK_FAILED;
  return v1::REASON_ENGINE_REFUSED;
}

// The definition that an attempt at the step was made with; empty for what is not wanted any more.
std::string config_hash_of(const Step& step, const Desired& desired) {
  const DesiredStack* stack = desired.stack(step.stack);
  if (stack == nullptr) return {};
  if (const auto* network = std::get_if<CreateNetwork>(&step.action)) {
    const DesiredNetwork* wanted = stack->network(network->name);
    return wanted == nullptr ? "" : wanted->config_hash;
  }
  if (const auto* network = std::get_if<RemoveNetwork>(&step.action)) {
    const DesiredNetwork* wanted = stack->network(network->name);
    return wanted == nullptr || wanted->owner == Owner::kExternal ? "" : wanted->config_hash;
  }
  if (const auto* volume = std::get_if<CreateVolume>(&step.action)) {
    const DesiredVolume* wanted = stack->volume(volume->name);
    return wanted == nullptr ? "" : wanted->config_hash;
  }
  const DesiredService* service = stack->service(step.service);
  return service == nullptr ? "" : service->config_hash;
}

// A step's cause names its service, which an event has in fields of its own.
std::string without_subject(const Step& step) {
  const std::string subject = fmt::format("service '{}' of stack '{}'", step.service, step.stack);
  std::string_view cause = step.cause;
  if (!cause.starts_with(subject)) return step.cause;
  cause.remove_prefix(subject.size());
  cause.remove_prefix(std::min(cause.find_first_not_of(": "), cause.size()));
  return std::string(cause);
}

Trouble& trouble_at(std::map<std::string, Trouble>& troubles, const std::string& subject,
                    const std::string& hash) {
  Trouble& trouble = troubles[subject];
  if (trouble.config_hash != hash) trouble = {};
  trouble.config_hash = hash;
  return trouble;
}

}  // namespace

void Reconciler::record(const std::string& stack, const std::vector<Step>& steps,
                        const std::vector<Outcome>& outcomes, const Occasion& occasion) {
  std::set<std::string> lasting;  // subjects with something to remember
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (outcomes[i].state == Outcome::State::kFailed) {
      record_failure(steps[i], *outcomes[i].error,
                     steps[i].job.empty() ? *occasion.desired : *occasion.manifest);
    } else if (outcomes[i].state == Outcome::State::kDone && steps[i].pace == Pace::kBacksOff) {
      record_attempt(steps[i], *occasion.desired);
    }
    const bool remembers = outcomes[i].state != Outcome::State::kDone || steps[i].pace == Pace::kBacksOff;
    if (remembers) lasting.insert(subject_of(steps[i]));
    if (outcomes[i].state == Outcome::State::kDone &&
        std::holds_alternative<CreateContainer>(steps[i].action)) {
      past_.fresh.erase(subject_of(steps[i]));
    }
  }
  // A step that failed before and now is done has no past; one that a container ended after keeps it until it
  // is stable.
  for (const Step& step : steps) {
    const auto found = past_.troubles.find(subject_of(step));
    if (found == past_.troubles.end() || lasting.contains(found->first)) continue;
    if (found->second.reason != v1::REASON_EXITED) past_.troubles.erase(found);
  }
  for (const auto& [subject, notices] : occasion.notices) past_.notices.learn(subject, notices);
  past_.fixed_policies = past_.fixed_policies || occasion.fixed_policies;
  untended_.insert(stack);
  tell(stack, steps, outcomes);
}

// Before a start, so that an agent that is killed in between runs the hooks again rather than never.
void Reconciler::note_before(const Step& step) {
  if (const auto* stop = std::get_if<StopContainer>(&step.action)) {
    if (step.purpose == Purpose::kFollow) past_.restarting.insert(stop->container.id);
  }
  const auto* start = std::get_if<StartContainer>(&step.action);
  if (start != nullptr && past_.hooked.erase(start->container.id) > 0) callbacks_.on_past();
}

void Reconciler::note_after(const Occasion& occasion, const Step& step) {
  if (const auto* start = std::get_if<StartContainer>(&step.action))
    past_.restarting.erase(start->container.id);
  note_start(occasion, step);
  note_job(occasion, step);
  const auto* hooks = std::get_if<RunHooks>(&step.action);
  if (hooks == nullptr) return;
  const auto made = occasion.made.find(hooks->container.name);
  past_.hooked.insert(hooks->container.id.empty() && made != occasion.made.end() ? made->second
                                                                                 : hooks->container.id);
  callbacks_.on_past();
}

// Only of images that some service wants pulled again from time to time.
void Reconciler::note_pull(const std::string& key, std::int64_t at_s) {
  std::set<std::string> keys;
  for (const DesiredStack& stack : desired_->stacks) {
    for (const DesiredService& service : stack.services) {
      if (service.pull_policy == PullPolicy::kEvery) keys.insert(image_key(service.image, service.platform));
    }
  }
  const auto before = past_.pulled;
  std::erase_if(past_.pulled, [&](const auto& entry) { return !keys.contains(entry.first); });
  if (keys.contains(key)) past_.pulled[key] = at_s;
  if (past_.pulled != before) callbacks_.on_past();
}

void Reconciler::record_failure(const Step& step, const Error& error, const Desired& desired) {
  Trouble& trouble = trouble_at(past_.troubles, subject_of(step), config_hash_of(step, desired));
  const bool is_passing = is_passing_conflict(step, error, ++trouble.attempts);
  const auto delay = is_passing ? kConflictDelay * trouble.attempts : delay_after(trouble.attempts);
  trouble.not_before = Clock::now() + delay;
  trouble.reason = is_passing ? v1::REASON_APPLYING : reason_of(step, error);
  trouble.text = fmt::format("{}: {}", to_text(step.action), error.what());
  note_refusal(step, trouble, desired);
  log::warn("stack '{}': {} (next attempt in {} ms)", step.stack, trouble.text, delay.count());
}

void Reconciler::record_attempt(const Step& step, const Desired& desired) {
  Trouble& trouble = trouble_at(past_.troubles, subject_of(step), config_hash_of(step, desired));
  trouble.not_before = Clock::now() + delay_after(++trouble.attempts);
  trouble.reason = v1::REASON_EXITED;
  trouble.text = fmt::format("{} (started again {} times)", step.cause, trouble.attempts);
}

// One happening for a service, whatever number of steps it took; none where a step failed.
void Reconciler::tell(const std::string& stack, const std::vector<Step>& steps,
                      const std::vector<Outcome>& outcomes) {
  std::map<std::string, const Step*> first;
  std::set<std::string> failed;
  bool removed = false;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const Step& step = steps[i];
    if (outcomes[i].state != Outcome::State::kDone) failed.insert(step.service);
    removed = removed || std::holds_alternative<RemoveContainer>(step.action);
    const bool is_news = step.purpose == Purpose::kHeal || step.purpose == Purpose::kReplace ||
                         step.purpose == Purpose::kFollow;
    if (is_news && !step.service.empty()) first.emplace(step.service, &step);
  }
  for (const auto& [service, step] : first) {
    if (failed.contains(service)) continue;
    const char* kind = step->purpose == Purpose::kHeal ? "drift_healed" : "service_replaced";
    if (step->purpose == Purpose::kFollow) kind = "service_restarted";
    if (step->pace == Pace::kBacksOff) {
      // A service that keeps ending is told of by its stack's failure, not at every attempt.
      const auto trouble = past_.troubles.find(subject_of(*step));
      if (trouble != past_.troubles.end() && trouble->second.attempts > 1) continue;
      if (std::holds_alternative<StartContainer>(step->action)) kind = "service_restarted";
    }
    callbacks_.on_happening({kind, stack, service, v1::REASON_NONE, without_subject(*step)});
  }
  if (removed && failed.empty() && desired_->stack(stack) == nullptr) {
    callbacks_.on_happening(
        {"stack_removed", stack, "", v1::REASON_NONE, fmt::format("stack '{}' is removed", stack)});
  }
}

void Reconciler::forget_settled(const std::set<std::string>& busy) {
  const Clock::time_point now = Clock::now();
  std::set<std::string> restless;
  for (const Step& step : standing_.plan.steps) restless.insert(subject_of(step));
  for (const Pending& pending : standing_.plan.pending)
    restless.insert(subject_of(pending.stack, pending.service));
  const auto is_busy = [&](const std::string& subject) {
    return busy.contains(subject.substr(0, subject.find('/')));
  };
  std::erase_if(past_.troubles, [&](const auto& entry) {
    return !restless.contains(entry.first) && !is_busy(entry.first) &&
           now > entry.second.not_before + kStable;
  });
  // The next pass is not left to chance: what is forgotten shows in the report.
  for (const auto& [subject, trouble] : past_.troubles) {
    if (restless.contains(subject) || is_busy(subject)) continue;
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(trouble.not_before + kStable - now);
    trigger(wait + std::chrono::milliseconds(1));
  }
  // An image that was pulled for a container which was made meanwhile is not fresh for the one after it.
  std::erase_if(past_.fresh, [&](const std::string& subject) {
    return !restless.contains(subject) && !standing_.plan.unused.contains(subject) && !is_busy(subject);
  });
  std::set<std::string> there;
  for (const Container& container : standing_.observed.containers) there.insert(container.id);
  const auto is_gone = [&](const std::string& id) { return !there.contains(id); };
  std::erase_if(past_.completed, is_gone);
  std::erase_if(past_.ended_by_hand, is_gone);
  std::erase_if(past_.restarting, is_gone);
  // One that was made while this pass looked is not gone.
  if (busy.empty() && std::erase_if(past_.hooked, is_gone) > 0) callbacks_.on_past();
}

}  // namespace hivemind::agent
