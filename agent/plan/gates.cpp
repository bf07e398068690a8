#include "agent/plan/gates.h"

#include <optional>

#include <fmt/format.h>

namespace hivemind::agent {
namespace {

using State = Gate::State;

struct Verdict {
  State state;
  std::string text;
};

Verdict started(const Container& container) {
  if (was_started(container)) return {State::kOpen, ""};
  return {State::kWaiting, "to start"};
}

Verdict healthy(const Container& container) {
  if (container.status != ContainerStatus::kRunning) return {State::kWaiting, "to run and be healthy"};
  switch (container.health) {
    case Health::kHealthy:
      return {State::kOpen, ""};
    case Health::kStarting:
      return {State::kWaiting, "to be healthy"};
    case Health::kUnhealthy:
      return {State::kFailed, "to be healthy, and it is unhealthy"};
    case Health::kNone:
      break;
  }
  return {State::kFailed,
          "to be healthy, and it has no health check (give it one, or use 'service_started')"};
}

Verdict completed(const Container& container) {
  if (container.status != ContainerStatus::kExited) return {State::kWaiting, "to complete"};
  if (container.exit_code == 0) return {State::kOpen, ""};
  return {State::kFailed, fmt::format("to complete, and it exited with code {}", container.exit_code)};
}

Verdict judge_container(const Container& container, Condition condition) {
  if (condition == Condition::kHealthy) return healthy(container);
  return condition == Condition::kCompleted ? completed(container) : started(container);
}

const Container* container_of(const Slot& slot, Strictness strictness) {
  if (slot.current != nullptr || strictness == Strictness::kCurrentOnly || slot.old.empty())
    return slot.current;
  return stand_in(slot);
}

// What keeps a service from having a container, where more than patience is needed.
std::optional<std::string> trouble_of(const DesiredService& service, const std::string& stack,
                                      const Past& past) {
  const auto trouble = past.troubles.find(subject_of(stack, service.name));
  if (trouble != past.troubles.end() && trouble->second.config_hash == service.config_hash &&
      !trouble->second.is_tried_anew())
    return trouble->second.text;
  const auto fetch = past.fetches.find(image_key(service.image, service.platform));
  if (fetch != past.fetches.end() && fetch->second.state == Fetch::State::kFailed &&
      !fetch->second.is_tried_anew())
    return fetch->second.text;
  return std::nullopt;
}

// A step that starts the dependency makes what is observed of it void, but for those that wait for no more
// than it.
void ask_dependency(Gate& gate, const Dependency& dependency, const ServiceView& view, const Starts& starts,
                    Strictness strictness, const Past& past, const std::string& stack) {
  const auto fail = [&](State state, const std::string& what) {
    if (state == State::kFailed && !dependency.required) return;
    if (state > gate.state) {
      gate.state = state;
      gate.text = fmt::format("waits for '{}' {}", dependency.service, what);
    }
  };
  const auto planned = starts.find(dependency.service);
  if (planned != starts.end()) {
    if (dependency.condition == Condition::kStarted) {
      gate.after.insert(gate.after.end(), planned->second.begin(), planned->second.end());
    } else {
      fail(State::kWaiting, "to start first");
    }
    return;
  }
  const std::optional<std::string> trouble = trouble_of(*view.service, stack, past);
  for (const Slot& slot : view.slots) {
    const Container* container = container_of(slot, strictness);
    if (container == nullptr) {
      fail(trouble ? State::kFailed : State::kWaiting, trouble ? "to start: " + *trouble : "to start");
      continue;
    }
    const Verdict verdict = judge_container(*container, dependency.condition);
    if (verdict.state != State::kOpen) fail(verdict.state, verdict.text);
    const bool has_hooks =
        dependency.condition != Condition::kCompleted && container == slot.current && is_up(*container);
    if (has_hooks && !is_hooked(*container, *view.service, past)) {
      fail(trouble ? State::kFailed : State::kWaiting,
           trouble ? "to run its hooks: " + *trouble : "to run its hooks");
    }
  }
}

}  // namespace

Gate gate_of(const DesiredService& service, const StackView& view, const Past& past, const Starts& starts,
             Strictness strictness) {
  Gate gate;
  std::vector<Dependency> dependencies = service.depends_on;
  for (const std::string& base : service.bases()) dependencies.push_back({base, Condition::kStarted, true});
  for (const Dependency& dependency : dependencies) {
    const auto found = view.services.find(dependency.service);
    if (found != view.services.end()) {
      ask_dependency(gate, dependency, found->second, starts, strictness, past, view.name);
    }
  }
  if (gate.state != State::kOpen) gate.after.clear();
  return gate;
}

}  // namespace hivemind::agent
