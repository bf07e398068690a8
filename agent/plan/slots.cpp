#include "agent/plan/slots.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

namespace hivemind::agent {
namespace {

std::uint32_t number_of(const Container& container) {
  const std::string_view text = label_of(container.labels, labels::kComposeNumber);
  std::uint32_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

bool has_network(const Container& container, const std::string& name) {
  return std::ranges::binary_search(container.networks, name);
}

// "on-failure:0" and "on-failure" are the same; engines write either.
std::string_view policy_of(std::string_view text) {
  if (text.empty()) return "no";
  if (text.ends_with(":0")) text.remove_suffix(2);
  return text;
}

std::optional<std::string> limits_changed(const Container& container, const BodyFacts& facts) {
  // An engine that cannot limit (a Raspberry Pi without the memory cgroup) drops the limit and says 0, and no
  // hand can make it 0: that is no drift, or the container would be made anew for ever.
  if (container.memory != 0 && container.memory != facts.memory) {
    return fmt::format("its memory limit is {} instead of {}", container.memory, facts.memory);
  }
  if (container.nano_cpus != 0 && container.nano_cpus != facts.nano_cpus) {
    return fmt::format("its CPU limit is {} instead of {} nano CPUs", container.nano_cpus, facts.nano_cpus);
  }
  const std::string_view policy = policy_of(container.restart_policy);
  if (policy != "no" && policy != policy_of(facts.restart_policy)) {
    return fmt::format("its restart policy is '{}' instead of '{}'", container.restart_policy,
                       facts.restart_policy);
  }
  return std::nullopt;
}

// A container that was never started can still be connected, but for the first network, which it was created
// with.
std::optional<std::string> network_lost(const Container& container, const DesiredService& service,
                                        const StackView& view) {
  for (std::size_t i = 0; i < service.endpoints.size(); ++i) {
    const std::string& name = service.endpoints[i].network;
    const DesiredNetwork* network = view.stack->network(name);
    const bool is_made_by_us = network != nullptr && network->owner == Owner::kStack;
    if (is_made_by_us &&
        std::ranges::find(view.networks, name, &EngineNetwork::name) == view.networks.end()) {
      return fmt::format("network '{}' is gone", name);
    }
    if (has_network(container, name)) continue;
    if (i == 0 || was_started(container)) return fmt::format("it is not connected to network '{}'", name);
  }
  return std::nullopt;
}

std::string_view what_is_shared(const DesiredService& service, const std::string& base) {
  if (service.network_of == base) return "network";
  if (service.pid_of == base) return "PID namespace";
  return service.ipc_of == base ? "IPC namespace" : "volumes";
}

// A container that shares what another one has is bound to that one's id.
std::optional<std::string> base_lost(const Container& container, const DesiredService& service,
                                     const StackView& view) {
  for (const std::string& name : service.bases()) {
    const auto owner = view.services.find(name);
    const bool has_slot = owner != view.services.end() && !owner->second.slots.empty();
    const Container* base = has_slot ? owner->second.slots.front().current : nullptr;
    if (base != nullptr && container.bases.contains(base->id)) continue;
    return fmt::format("the container of '{}', whose {} it shares, is another one", name,
                       what_is_shared(service, name));
  }
  return std::nullopt;
}

bool has_ended_well(const Container& container, const ServiceView& view) {
  const std::string_view policy = policy_of(view.service->facts.restart_policy);
  const bool may_end = policy == "no" || policy.starts_with("on-failure");
  return container.status == ContainerStatus::kExited && container.exit_code == 0 && may_end;
}

std::optional<std::string> why_old(const Container& container, const ServiceView& own,
                                   const StackView& view) {
  const DesiredService& service = *own.service;
  if (label_of(container.labels, labels::kConfigHash) != service.config_hash)
    return "its definition has changed";
  // Done is done: what happens to its network later is no reason to run it again.
  if (own.one_shot && has_ended_well(container, own)) return std::nullopt;
  if (container.status == ContainerStatus::kDead) return "it is dead";
  if (auto lost = network_lost(container, service, view)) return lost;
  if (auto lost = base_lost(container, service, view)) return lost;
  return limits_changed(container, service.facts);
}

// The higher, the rather it is kept when there are two of the same definition. The image of a good release
// comes first: a release that failed may have had the definition in common with it, and a newer image.
int worth(const Container& container, const Slot& slot, const DesiredService& service) {
  int value = container.name == slot.name ? 1 : 0;
  if (!service.image_id.empty() && container.image_id == service.image_id) value += 8;
  if (is_up(container)) value += 4;
  if (container.status == ContainerStatus::kRunning) value += 2;
  return value;
}

void place(Slot& slot, const Container& container, const ServiceView& service, const StackView& view) {
  if (container.status == ContainerStatus::kRemoving) {
    slot.leaving = true;
    return;
  }
  auto reason = why_old(container, service, view);
  const Container* loser = &container;
  if (!reason) {
    reason = "there are two of it";
    const DesiredService& wanted = *service.service;
    if (slot.current == nullptr || worth(container, slot, wanted) > worth(*slot.current, slot, wanted)) {
      std::swap(loser, slot.current);
    }
    if (loser != nullptr) slot.doubles.push_back(loser);
  }
  if (loser == nullptr) return;
  const bool is_of_it = label_of(loser->labels, labels::kConfigHash) == service.service->config_hash;
  if (slot.old.empty() || is_of_it) slot.why_old = *reason;
  slot.old.push_back(loser);
}

ServiceView empty_view(const DesiredService& service, const std::string& stack) {
  ServiceView view;
  view.service = &service;
  for (std::uint32_t number = 1; number <= service.replicas; ++number) {
    Slot slot;
    slot.number = number;
    slot.name = service.container(stack, number);
    view.slots.push_back(std::move(slot));
  }
  return view;
}

void sort_in(StackView& view, ServiceView& service, const Container& container) {
  const std::uint32_t number = number_of(container);
  if (number == 0 || number > service.slots.size()) {
    service.surplus.push_back(&container);
  } else {
    place(service.slots[number - 1], container, service, view);
  }
}

// A service whose network another one shares comes before that one, which is judged by it.
void sort_all(StackView& view, const std::map<std::string_view, std::vector<const Container*>>& containers) {
  for (const auto& [service, found] : containers) {
    if (view.services.contains(std::string(service))) continue;
    view.orphans.insert(view.orphans.end(), found.begin(), found.end());
  }
  if (view.stack == nullptr) return;
  for (const DesiredService* service : view.stack->in_order()) {
    const auto found = containers.find(service->name);
    if (found == containers.end()) continue;
    for (const Container* container : found->second)
      sort_in(view, view.services.at(service->name), *container);
  }
}

}  // namespace

std::string_view label_of(const std::map<std::string, std::string>& labels, const char* key) {
  const auto found = labels.find(key);
  return found == labels.end() ? std::string_view() : std::string_view(found->second);
}

bool is_ours(const std::map<std::string, std::string>& labels, std::string_view node) {
  return label_of(labels, labels::kManaged) == "true" && label_of(labels, labels::kNode) == node;
}

const Container* stand_in(const Slot& slot) {
  const auto better = [](const Container* a, const Container* b) {
    if (is_up(*a) != is_up(*b)) return is_up(*a);
    return was_started(*a) && (!was_started(*b) || started_after(*a, *b));
  };
  const Container* best = nullptr;
  for (const Container* old : slot.old) {
    if (best == nullptr || better(old, best)) best = old;
  }
  return best;
}

bool is_held_back(const Container& container, const BodyFacts& facts) {
  return policy_of(container.restart_policy) == "no" && policy_of(facts.restart_policy) != "no";
}

bool is_up(const Container& container) {
  return container.status == ContainerStatus::kRunning || container.status == ContainerStatus::kPaused ||
         container.status == ContainerStatus::kRestarting;
}

bool was_started(const Container& container) {
  return is_up(container) ||
         !(container.started_at.empty() || container.started_at.starts_with("0001-01-01"));
}

bool is_completed(const Container& container, const ServiceView& view, const Past& past) {
  const bool by_itself = past.completed.contains(container.id);
  const bool counts = by_itself || (view.one_shot && !past.ended_by_hand.contains(container.id));
  return counts && has_ended_well(container, view);
}

bool is_hooked(const Container& container, const DesiredService& service, const Past& past) {
  return service.post_start.empty() || past.hooked.contains(container.id);
}

bool started_after(const Container& a, const Container& b) {
  // The engine cuts trailing zeros off the fraction, so the seconds and the digits behind them compare apart.
  const auto parts = [](const std::string& time) {
    std::string fraction = time.size() > 20 ? time.substr(20) : "";
    if (fraction.ends_with('Z')) fraction.pop_back();
    return std::pair(time.substr(0, 19), fraction);
  };
  return was_started(b) && parts(a.started_at) > parts(b.started_at);
}

StackView view_of(const std::string& name, const DesiredStack* stack, const Observed& observed,
                  std::string_view node) {
  StackView view;
  view.name = name;
  view.stack = stack;
  const auto belongs = [&](const auto& thing) {
    return is_ours(thing.labels, node) && label_of(thing.labels, labels::kStack) == name;
  };
  for (const EngineNetwork& network : observed.networks) {
    if (belongs(network)) view.networks.push_back(&network);
  }
  if (stack != nullptr) {
    for (const DesiredService& service : stack->services) {
      view.services.emplace(service.name, empty_view(service, name));
    }
    for (const DesiredService& service : stack->services) {
      for (const Dependency& dependency : service.depends_on) {
        const auto found = view.services.find(dependency.service);
        if (found != view.services.end() && dependency.condition == Condition::kCompleted)
          found->second.one_shot = true;
      }
    }
  }
  std::map<std::string_view, std::vector<const Container*>> containers;
  for (const Container& container : observed.containers) {
    if (belongs(container)) containers[label_of(container.labels, labels::kService)].push_back(&container);
  }
  sort_all(view, containers);
  return view;
}

}  // namespace hivemind::agent
