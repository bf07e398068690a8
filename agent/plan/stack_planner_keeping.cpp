#include <algorithm>

#include <fmt/format.h>

#include "agent/plan/differences.h"
#include "agent/plan/stack_planner.h"

// The way to a release and the way back from it. While another release than the good one is wanted, the good
// one's containers stand aside instead of going; when the good one is wanted again, the containers of the
// other go first, and what stood aside gets its name and restart policy back and starts.
namespace hivemind::agent {
namespace {

// A release that failed is not waited for.
constexpr std::chrono::seconds kFailedGrace{1};

}  // namespace

bool StackPlanner::is_rolled_back() const {
  return view_.stack != nullptr && view_.stack->origin == Origin::kGood;
}

// What a release that failed here has made. A definition that both releases have is told apart by the label.
bool StackPlanner::is_of_failed(const Container& container) const {
  if (!is_rolled_back()) return false;
  const auto failed = situation_.past.failed.find(view_.name);
  if (failed == situation_.past.failed.end() || failed->second.empty()) return false;
  if (failed->second.contains(std::string(label_of(container.labels, labels::kDigest)))) return true;
  const DesiredService* service = view_.stack->service(label_of(container.labels, labels::kService));
  return service == nullptr || service->config_hash != label_of(container.labels, labels::kConfigHash);
}

StopContainer StackPlanner::stop_for(const Container& container) const {
  if (is_of_failed(container)) return {ref(container), "", kFailedGrace};
  return stop_of(container);
}

// The policy first: an engine that starts between both would start a stopped container beside the new one.
StackPlanner::Indices StackPlanner::set_aside(const Container& container, const Change& change,
                                              const Indices& after) {
  const auto known = set_aside_.find(container.id);
  if (known != set_aside_.end()) return known->second;
  const std::string service(label_of(container.labels, labels::kService));
  Indices done;
  const bool may_restart = !container.restart_policy.empty() && container.restart_policy != "no";
  if (may_restart && !situation_.past.fixed_policies)
    done = {add(service, SetRestartPolicy{ref(container), "no"}, change, after)};
  if (is_up(container)) done = {add(service, stop_of(container), change, done.empty() ? after : done)};
  return set_aside_[container.id] = done;
}

// Of services that have what comes back: its ports, volumes and name are free then, and no restart of the
// engine brings up both.
void StackPlanner::clear_failed() {
  for (const auto& [name, view] : view_.services) {
    if (left_out_.contains(name)) continue;
    for (const Slot& slot : view.slots) {
      if (slot.current == nullptr) continue;
      for (const Container* old : slot.old) {
        if (!is_of_failed(*old)) continue;
        remove_container(*old, fmt::format("service '{}' of stack '{}': the last good release comes back",
                                           name, view_.name));
      }
    }
  }
  for (const auto& [id, removal] : removals_) gone_.push_back(removal);
}

StackPlanner::Indices StackPlanner::give_policy_back(const ServiceView& view, const Container& container,
                                                     const Change& change, const Indices& after) {
  return {add(view.service->name, SetRestartPolicy{ref(container), view.service->facts.restart_policy},
              {change.purpose, change.cause}, after)};
}

// What another service of the stack needs is not held until this one is through.
bool StackPlanner::holds_ports_of_others(const ServiceView& view, const Container& container) const {
  return std::ranges::any_of(view_.services, [&](const auto& entry) {
    if (&entry.second == &view) return false;
    return std::ranges::any_of(entry.second.service->facts.ports, [&](const HostPorts& wanted) {
      return std::ranges::any_of(container.ports,
                                 [&](const HostPorts& held) { return overlap(held, wanted); });
    });
  });
}

bool StackPlanner::starts_first(const ServiceView& view, const Slot& slot) const {
  const DesiredService& service = *view.service;
  if (service.update_order != UpdateOrder::kStartFirst || !why_stop_first(service).empty()) return false;
  const auto can_stay = [&](const Container* old) {
    return is_up(*old) && !is_of_failed(*old) && !holds_ports_of_others(view, *old);
  };
  return std::ranges::any_of(slot.old, can_stay);
}

// With start-first, until the new one is healthy; one without a health check only has to run.
bool StackPlanner::old_stays(const ServiceView& view, const Slot& slot) {
  if (!starts_first(view, slot)) return false;
  const Container& current = *slot.current;
  if (current.status != ContainerStatus::kRunning) return true;
  if (current.health != Health::kStarting && current.health != Health::kUnhealthy) return false;
  const bool failed = current.health == Health::kUnhealthy;
  wait(view.service->name, failed ? v1::REASON_UNHEALTHY : v1::REASON_APPLYING,
       failed ? "the new container is unhealthy, and the old one still runs"
              : "the old container runs until the new one is healthy");
  return true;
}

void StackPlanner::retire_old(const ServiceView& view, const Slot& slot, const Indices& after) {
  const std::string cause =
      fmt::format("service '{}' of stack '{}': {}", view.service->name, view_.name, slot.why_old);
  Indices ready = after;
  if (starts_first(view, slot)) append(ready, stop_dependants(view, after));
  for (const Container* old : slot.old) remove_container(*old, cause, ready);
}

}  // namespace hivemind::agent
