#include <algorithm>

#include <fmt/format.h>

#include "agent/plan/differences.h"
#include "agent/plan/stack_planner.h"

namespace hivemind::agent {

// From a made container to a running one in the place of the old.
void StackPlanner::put_in_place(const ServiceView& view, const Slot& slot, const ContainerRef& container,
                                Indices after, const Gate& gate, const Change& change) {
  const DesiredService& service = *view.service;
  Indices before_start = connect_missing(view, container, slot.current, after, change);
  append(before_start, after);
  append(before_start, gone_);
  if (service.facts.publishes) append(before_start, freed_);
  // Replicas follow one another, so that not all are down at once.
  const auto earlier = starts_.find(service.name);
  if (earlier != starts_.end() && !slot.old.empty()) append(before_start, earlier->second);
  // Otherwise the old one goes once it shows that the new one does its work; see old_stays().
  const bool start_first = starts_first(view, slot);
  Indices ready = before_start;
  if (!start_first) append(ready, stop_old(view, slot, before_start, change));
  append(ready, gate.after);
  if (slot.current != nullptr && is_held_back(*slot.current, service.facts))
    append(ready, give_policy_back(view, *slot.current, change, ready));
  const std::size_t started = start(view, container, change, std::move(ready));
  if (start_first) return;
  for (const Container* old : slot.old) {
    if (is_kept(*old) || removals_.contains(old->id)) continue;
    removals_[old->id] =
        add(service.name, RemoveContainer{ref(*old)}, {change.purpose, change.cause}, {started});
  }
}

StackPlanner::Indices StackPlanner::connect_missing(const ServiceView& view, const ContainerRef& container,
                                                    const Container* known, const Indices& after,
                                                    const Change& change) {
  Indices connects;
  if (known == nullptr && situation_.engine_api >= kManyEndpoints) return connects;
  const auto& endpoints = view.service->endpoints;
  for (std::size_t i = 1; i < endpoints.size(); ++i) {
    if (known != nullptr && std::ranges::binary_search(known->networks, endpoints[i].network)) continue;
    connects.push_back(add(view.service->name, ConnectNetwork{container, endpoints[i].network},
                           {change.purpose, change.cause}, after));
  }
  return connects;
}

// A service has started once its hooks have run.
std::size_t StackPlanner::start(const ServiceView& view, const ContainerRef& container, const Change& change,
                                Indices after) {
  const std::string& service = view.service->name;
  if (const auto secrets = secrets_step(*view.service)) after.push_back(*secrets);
  std::size_t step = add(service, StartContainer{container}, change, std::move(after));
  if (!view.service->post_start.empty())
    step = add(service, RunHooks{container}, {change.purpose, change.cause}, {step});
  starts_[service].push_back(step);
  return step;
}

StackPlanner::Indices StackPlanner::stop_old(const ServiceView& view, const Slot& slot, const Indices& after,
                                             const Change& change) {
  Indices stops;
  Indices ready = after;
  if (std::ranges::any_of(slot.old, [](const Container* old) { return is_up(*old); }))
    append(ready, stop_dependants(view, after));
  for (const Container* old : slot.old) {
    if (is_kept(*old)) {
      append(stops, set_aside(*old, change, ready));
    } else if (is_up(*old) && !removals_.contains(old->id)) {
      stops.push_back(add(view.service->name, stop_for(*old), change, ready));
    }
    // One that failed must not come up with the one that takes its place when the engine starts next.
    if (!is_of_failed(*old) || removals_.contains(old->id)) continue;
    Indices stopped = ready;
    append(stopped, stops);
    removals_[old->id] = add(view.service->name, RemoveContainer{ref(*old)}, {change.purpose, change.cause},
                             std::move(stopped));
    stops.push_back(removals_[old->id]);
  }
  return stops;
}

// What is to restart with a service stops before it and is started after it, by this plan or a later one:
// that it stands still is all that needs to be remembered.
StackPlanner::Indices StackPlanner::stop_dependants(const ServiceView& view, const Indices& after) {
  Indices stops;
  const std::string& name = view.service->name;
  for (const auto& [other, dependant] : view_.services) {
    const bool follows = std::ranges::any_of(dependant.service->depends_on, [&](const Dependency& on) {
      return on.restart && on.service == name;
    });
    if (!follows || dependant.one_shot) continue;
    for (const Slot& slot : dependant.slots) {
      if (slot.current == nullptr || slot.current->status != ContainerStatus::kRunning) continue;
      const std::string& id = slot.current->id;
      if (!stopped_.contains(id)) {
        Indices ready = stop_dependants(dependant, after);
        append(ready, after);
        stopped_[id] = add(other, stop_of(*slot.current),
                           {Purpose::kFollow, fmt::format("service '{}' of stack '{}': it restarts with '{}'",
                                                          other, view_.name, name)},
                           std::move(ready));
      }
      stops.push_back(stopped_[id]);
    }
  }
  return stops;
}

void StackPlanner::start_stopped(const ServiceView& view, const Slot& slot) {
  const std::optional<Gate> gate = open_gate(view, Strictness::kAnyVersion);
  if (!gate) return;
  const std::size_t stopped = stopped_.at(slot.current->id);
  Indices after = gate->after;
  after.push_back(stopped);
  start(view, ref(*slot.current), {Purpose::kFollow, plan_.steps[stopped].cause}, std::move(after));
}

// A restart gives a container new namespaces; those that shared the ones before have none now.
bool StackPlanner::follow_namespaces(const ServiceView& view, const Slot& slot) {
  if (is_held(*view.service)) return false;
  for (const std::string& name : view.service->namespaces()) {
    const ServiceView& owner = view_.services.at(name);
    const Container* base = owner.slots.empty() ? nullptr : owner.slots.front().current;
    if (base == nullptr || base->status != ContainerStatus::kRunning || !started_after(*base, *slot.current))
      continue;
    const Change change{Purpose::kHeal,
                        fmt::format("service '{}' of stack '{}': '{}', whose {} it shares, was started again",
                                    view.service->name, view_.name, name,
                                    view.service->network_of == name ? "network" : "namespace"),
                        Pace::kBacksOff};
    const std::size_t stopped = add(view.service->name, stop_of(*slot.current),
                                    {change.purpose, change.cause}, stop_dependants(view, {}));
    start(view, ref(*slot.current), change, {stopped});
    return true;
  }
  return false;
}

// True where hooks are still to run: what the container took the place of stays until then.
bool StackPlanner::run_hooks(const ServiceView& view, const Slot& slot) {
  if (is_hooked(*slot.current, *view.service, situation_.past)) return false;
  if (is_held(*view.service)) return true;
  const std::string who = fmt::format("service '{}' of stack '{}'", view.service->name, view_.name);
  const std::size_t step = add(view.service->name, RunHooks{ref(*slot.current)},
                               {Purpose::kDeploy, who + ": its hooks have not run"});
  starts_[view.service->name].push_back(step);
  if (!starts_first(view, slot)) retire_old(view, slot, {step});
  return true;
}

// Services that take over one another's ports: all that hold them stop before any of them starts.
void StackPlanner::free_ports_first() {
  if (view_.stack == nullptr) return;
  bool changed = false;
  for (std::size_t i = first_step_; i < plan_.steps.size(); ++i) {
    const DesiredService* service = view_.stack->service(plan_.steps[i].service);
    if (service == nullptr || service->facts.ports.empty() ||
        !std::holds_alternative<StartContainer>(plan_.steps[i].action))
      continue;
    for (std::size_t j = first_step_; j < plan_.steps.size(); ++j) {
      const auto* stop = std::get_if<StopContainer>(&plan_.steps[j].action);
      if (stop == nullptr || plan_.steps[j].service == service->name) continue;
      const auto holder =
          std::ranges::find(situation_.observed.containers, stop->container.id, &Container::id);
      if (holder == situation_.observed.containers.end()) continue;
      const bool clash = std::ranges::any_of(holder->ports, [&](const HostPorts& held) {
        return std::ranges::any_of(service->facts.ports,
                                   [&](const HostPorts& wanted) { return overlap(held, wanted); });
      });
      if (!clash || comes_after(j, i) || comes_after(i, j)) continue;
      plan_.steps[i].after.push_back(j);
      std::ranges::sort(plan_.steps[i].after);
      changed = true;
    }
  }
  if (changed) put_in_order();
}

bool StackPlanner::comes_after(std::size_t step, std::size_t other) const {
  return std::ranges::any_of(plan_.steps[step].after, [&](std::size_t before) {
    return before == other || comes_after(before, other);
  });
}

// Those that others come after first, else as they were.
void StackPlanner::put_in_order() {
  const std::vector<Step> steps(plan_.steps.begin() + static_cast<std::ptrdiff_t>(first_step_),
                                plan_.steps.end());
  plan_.steps.resize(first_step_);
  std::map<std::size_t, std::size_t> place;
  while (place.size() < steps.size()) {
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const bool is_next =
          !place.contains(first_step_ + i) &&
          std::ranges::all_of(steps[i].after, [&](std::size_t before) { return place.contains(before); });
      if (!is_next) continue;
      place[first_step_ + i] = plan_.steps.size();
      plan_.steps.push_back(steps[i]);
      for (std::size_t& before : plan_.steps.back().after) before = place[before];
      std::ranges::sort(plan_.steps.back().after);
      break;
    }
  }
}

}  // namespace hivemind::agent
