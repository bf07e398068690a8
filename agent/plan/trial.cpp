#include "agent/plan/trial.h"

#include <algorithm>

#include <fmt/format.h>

#include "agent/plan/slots.h"
#include "agent/plan/utf8.h"

namespace hivemind::agent {
namespace {

constexpr std::size_t kMostOutput = 2'048;

bool may_end(const DesiredService& service, const Container& container) {
  const std::string& policy = service.facts.restart_policy;
  return container.exit_code == 0 && (policy.empty() || policy == "no" || policy.starts_with("on-failure"));
}

TrialFailure failed(const TrialFacts& facts, const std::string& service, v1::Reason reason,
                    std::string text) {
  TrialFailure failure;
  failure.release.digest = facts.stack.digest;
  failure.release.revision = facts.stack.revision;
  failure.release.service = service;
  failure.release.reason = reason;
  failure.release.text = std::move(text);
  failure.release.restored = true;
  return failure;
}

TrialFailure exited(const TrialFacts& facts, const std::string& service, const Container& container,
                    std::string text) {
  TrialFailure failure = failed(facts, service, v1::REASON_EXITED, std::move(text));
  failure.release.exit_code = container.exit_code;
  failure.container = container.id;
  return failure;
}

// A container that somebody stopped, or that ends with its engine, says nothing about the release.
std::optional<TrialFailure> failure_of(const Container& container, const DesiredService& service,
                                       const Trial& trial, const TrialFacts& facts) {
  const auto watched = trial.watched.find(container.id);
  if (watched == trial.watched.end()) return std::nullopt;
  if (container.status == ContainerStatus::kRunning && container.health == Health::kUnhealthy) {
    TrialFailure failure = failed(facts, service.name, v1::REASON_UNHEALTHY, "is unhealthy");
    failure.release.output = last_words(container.health_text);
    if (failure.release.output.empty()) failure.container = container.id;
    return failure;
  }
  if (is_up(container) && container.restarts > watched->second) {
    const bool waits = container.status == ContainerStatus::kRestarting;
    return exited(facts, service.name, container,
                  waits ? fmt::format("exited with code {}, and the engine restarts it", container.exit_code)
                        : std::string("ended, and the engine has restarted it"));
  }
  if (container.status != ContainerStatus::kExited || facts.past.ended_by_hand.contains(container.id) ||
      may_end(service, container)) {
    return std::nullopt;
  }
  return exited(facts, service.name, container, fmt::format("exited with code {}", container.exit_code));
}

// Nothing will come of a service that waits for the health of one that is unhealthy, or that is never
// checked.
std::optional<TrialFailure> dependency_failure(const ServiceView& view, const StackView& stack,
                                               const TrialFacts& facts) {
  const bool waits =
      std::ranges::any_of(view.slots, [](const Slot& slot) { return slot.current == nullptr; });
  if (!waits) return std::nullopt;
  for (const Dependency& dependency : view.service->depends_on) {
    const auto found = stack.services.find(dependency.service);
    const bool counts = dependency.required && dependency.condition == Condition::kHealthy;
    if (!counts || found == stack.services.end()) continue;
    for (const Slot& slot : found->second.slots) {
      if (slot.current == nullptr || slot.current->status != ContainerStatus::kRunning) continue;
      const Health health = slot.current->health;
      if (health == Health::kHealthy || health == Health::kStarting) continue;
      return failed(facts, view.service->name, v1::REASON_DEPENDENCY_FAILED,
                    fmt::format("waits for '{}' to be healthy, and it {}", dependency.service,
                                health == Health::kNone ? "has no health check" : "is unhealthy"));
    }
  }
  return std::nullopt;
}

std::optional<TrialFailure> failure_of(const RefusedStep& refusal, const StackView& view,
                                       const TrialFacts& facts) {
  TrialFailure failure = failed(facts, refusal.service, refusal.reason, refusal.text);
  const auto found = view.services.find(refusal.service);
  if (found == view.services.end()) return failure;
  for (const Slot& slot : found->second.slots) {
    if (slot.current != nullptr && !is_up(*slot.current)) failure.release.exit_code = slot.current->exit_code;
  }
  return failure;
}

}  // namespace

bool is_brought(const DesiredService& service, const std::string& stack, const Past& past) {
  const auto good = past.good.find(stack);
  if (good == past.good.end()) return true;
  const auto ran = good->second.services.find(service.name);
  return ran == good->second.services.end() || ran->second != service.config_hash;
}

// One that ran before, and was not well then, cannot be held against the release.
void watch(Trial& trial, const TrialFacts& facts) {
  const StackView view = view_of(facts.stack.name, &facts.stack, facts.observed, facts.node);
  for (const auto& [name, service] : view.services) {
    const bool brought = is_brought(*service.service, facts.stack.name, facts.past);
    for (const Slot& slot : service.slots) {
      if (slot.current == nullptr || slot.current->status != ContainerStatus::kRunning) continue;
      if (brought || slot.current->health != Health::kUnhealthy)
        trial.watched.emplace(slot.current->id, slot.current->restarts);
    }
  }
}

// Dependencies first: what they did is why the others failed.
std::optional<TrialFailure> failure_in(const Trial& trial, const TrialFacts& facts) {
  const StackView view = view_of(facts.stack.name, &facts.stack, facts.observed, facts.node);
  const std::vector<const DesiredService*> ordered = facts.stack.in_order();
  for (const DesiredService* service : ordered) {
    for (const Slot& slot : view.services.at(service->name).slots) {
      if (slot.current == nullptr) continue;
      if (auto failure = failure_of(*slot.current, *service, trial, facts)) return failure;
    }
  }
  if (trial.refused) return failure_of(*trial.refused, view, facts);
  for (const DesiredService* service : ordered) {
    if (auto failure = dependency_failure(view.services.at(service->name), view, facts)) return failure;
  }
  return std::nullopt;
}

bool is_refusal(const Step& step, v1::Reason reason) {
  const bool makes = std::holds_alternative<CreateContainer>(step.action) ||
                     std::holds_alternative<StartContainer>(step.action) ||
                     std::holds_alternative<RunHooks>(step.action) ||
                     std::holds_alternative<CreateNetwork>(step.action) ||
                     std::holds_alternative<CreateVolume>(step.action) ||
                     std::holds_alternative<ConnectNetwork>(step.action);
  const bool decides = reason == v1::REASON_CREATE_FAILED || reason == v1::REASON_START_FAILED ||
                       reason == v1::REASON_PORT_TAKEN || reason == v1::REASON_HOOK_FAILED ||
                       reason == v1::REASON_ENGINE_REFUSED;
  return makes && decides && step.job.empty() && step.purpose != Purpose::kRemove;
}

std::chrono::milliseconds soak_of(const DesiredStack& stack) {
  std::chrono::milliseconds longest{0};
  for (const DesiredService& service : stack.services) longest = std::max(longest, service.soak);
  return longest;
}

std::string last_words(const std::string& text) {
  std::string words = valid_utf8(text);
  while (!words.empty() && (words.back() == '\n' || words.back() == ' ' || words.back() == '\r'))
    words.pop_back();
  if (words.size() <= kMostOutput) return words;
  words.erase(0, words.size() - kMostOutput);
  const std::size_t line = words.find('\n');
  if (line != std::string::npos && line + 1 < words.size()) return words.substr(line + 1);
  std::size_t start = 0;
  while (start < words.size() && character_at(words, start) == 0) ++start;
  return words.substr(start);
}

}  // namespace hivemind::agent
