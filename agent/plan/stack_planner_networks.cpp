#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "agent/plan/keeping.h"
#include "agent/plan/stack_planner.h"

namespace hivemind::agent {
namespace {

// No event tells of containers that are not ours.
constexpr std::chrono::seconds kForeignLook{5};

}  // namespace

// A network cannot be changed: what is on it stops and leaves it, it goes, and the next plan makes it anew
// and replaces the containers, which then have lost it. So what is theirs (anonymous volumes) goes along.
void StackPlanner::replace_networks() {
  for (const DesiredNetwork& network : view_.stack->networks) {
    if (network.owner == Owner::kExternal) continue;
    for (const EngineNetwork* there : view_.networks) {
      if (there->name == network.name &&
          label_of(there->labels, labels::kConfigHash) != network.config_hash) {
        tear_down(network, *there);
      }
    }
  }
}

// What is not the stack's own is not touched, and the network cannot go while it is on it.
bool StackPlanner::is_free_of_others(const DesiredNetwork& network, const EngineNetwork& there) {
  const auto answer = situation_.answers.network_users.find(there.id);
  if (answer == situation_.answers.network_users.end()) {
    plan_.questions.network_users.insert(there.id);
    return false;
  }
  std::vector<std::string> others;
  for (const NetworkUser& user : answer->second) {
    const auto known = std::ranges::find(situation_.observed.containers, user.id, &Container::id);
    const bool is_of_stack = known != situation_.observed.containers.end() &&
                             is_ours(known->labels, situation_.desired.node) &&
                             label_of(known->labels, labels::kStack) == view_.name;
    if (!is_of_stack) others.push_back(user.name);
  }
  if (others.empty()) return true;
  wait("", v1::REASON_ENGINE_REFUSED,
       fmt::format("network '{}' has changed and cannot be made anew while containers that are not this "
                   "stack's are on it: '{}' (disconnect or stop them)",
                   network.key, fmt::join(others, "', '")));
  look_again(situation_.now + kForeignLook);
  return false;
}

void StackPlanner::tear_down(const DesiredNetwork& network, const EngineNetwork& there) {
  std::vector<const ServiceView*> users;
  for (const auto& [name, view] : view_.services) {
    const auto& endpoints = view.service->endpoints;
    if (std::ranges::find(endpoints, network.name, &DesiredEndpoint::network) != endpoints.end())
      users.push_back(&view);
  }
  // While it cannot be removed, its users run on the one that is there.
  const std::string subject = subject_of(view_.name, "network:" + network.name);
  if (is_held("", subject, network.config_hash) || !is_free_of_others(network, there)) return;
  bool ready = true;
  for (const ServiceView* view : users) ready &= resources_ready(*view->service) && image_ready(*view);
  for (const ServiceView* view : users) left_out_.insert(view->service->name);
  if (!ready) return;
  const std::string cause = fmt::format("network '{}' of stack '{}' has changed", network.key, view_.name);
  Indices off;
  for (const Container& container : situation_.observed.containers) {
    const bool is_of_stack = is_ours(container.labels, situation_.desired.node) &&
                             label_of(container.labels, labels::kStack) == view_.name;
    if (!is_of_stack || !std::ranges::binary_search(container.networks, network.name)) continue;
    if (const auto step = take_off(container, network, cause)) off.push_back(*step);
  }
  for (const ServiceView* view : users) wait(view->service->name, v1::REASON_APPLYING, cause);
  add("", RemoveNetwork{there.id, there.name}, {Purpose::kReplace, cause}, off);
}

std::optional<std::size_t> StackPlanner::take_off(const Container& container, const DesiredNetwork& network,
                                                  const std::string& cause) {
  const std::string service(label_of(container.labels, labels::kService));
  const auto view = view_.services.find(service);
  const bool goes = view == view_.services.end() ||
                    std::ranges::find(view->second.surplus, &container) != view->second.surplus.end();
  if (goes) {
    remove_container(container, cause);
    const auto kept = set_aside_.find(container.id);
    if (kept != set_aside_.end()) {
      return add(service, DisconnectNetwork{ref(container), network.name}, {Purpose::kReplace, cause},
                 kept->second);
    }
    const auto removal = removals_.find(container.id);
    return removal == removals_.end() ? std::nullopt : std::optional(removal->second);
  }
  // One that is done keeps the trace of the network, which nobody will look for.
  if (is_completed(container, view->second, situation_.past)) return std::nullopt;
  left_out_.insert(service);
  Indices after;
  if (is_kept(container)) {
    after = set_aside(container, {Purpose::kReplace, cause}, stop_dependants(view->second, {}));
  } else if (is_up(container)) {
    const Indices dependants = stop_dependants(view->second, {});
    for (const auto& [name, other] : view_.services) {
      const bool stops = std::ranges::any_of(other.slots, [&](const Slot& slot) {
        return slot.current != nullptr && stopped_.contains(slot.current->id);
      });
      if (stops) left_out_.insert(name);
    }
    const auto known = stopped_.find(container.id);
    after = known != stopped_.end()
                ? Indices{known->second}
                : Indices{add(service, stop_for(container), {Purpose::kReplace, cause}, dependants)};
    stopped_.emplace(container.id, after.front());
  }
  return add(service, DisconnectNetwork{ref(container), network.name}, {Purpose::kReplace, cause}, after);
}

// What is kept of another release comes back on the networks that it left.
void StackPlanner::remove_networks() {
  if (kept_release(view_, situation_.past) != nullptr) return;
  for (const EngineNetwork* network : view_.networks) {
    const DesiredNetwork* wanted = view_.stack == nullptr ? nullptr : view_.stack->network(network->name);
    if (wanted != nullptr && wanted->owner == Owner::kStack) continue;
    if (is_held("", subject_of(view_.name, "network:" + network->name), "")) continue;
    Indices after;
    bool in_use = false;
    for (const Container& container : situation_.observed.containers) {
      if (!is_ours(container.labels, situation_.desired.node) ||
          !std::ranges::binary_search(container.networks, network->name)) {
        continue;
      }
      const auto removal = removals_.find(container.id);
      in_use = in_use || removal == removals_.end();
      if (removal != removals_.end()) after.push_back(removal->second);
    }
    if (in_use) continue;
    add("", RemoveNetwork{network->id, network->name},
        {Purpose::kRemove, fmt::format("stack '{}' does not want it", view_.name)}, std::move(after));
  }
}

}  // namespace hivemind::agent
