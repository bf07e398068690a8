#include <algorithm>

#include <fmt/format.h>

#include "agent/plan/stack_planner.h"

namespace hivemind::agent {
namespace {

// How often to look for what no event tells of: things of others that a service waits for.
constexpr std::chrono::seconds kForeignLook{5};

}  // namespace

bool StackPlanner::ready_to_make(const ServiceView& view, const Slot& slot) {
  const DesiredService& service = *view.service;
  if (slot.leaving) {
    wait(service.name, v1::REASON_APPLYING, "waits for the engine to remove its last container");
    return false;
  }
  if (is_held(service)) return false;
  const Container* holder = holder_of(slot.name);
  const bool name_is_free = holder == nullptr || removals_.contains(holder->id) ||
                            std::ranges::find(slot.old, holder) != slot.old.end();
  if (!name_is_free) {
    wait(service.name, v1::REASON_APPLYING, fmt::format("waits for the name '{}' to become free", slot.name));
    return false;
  }
  // Both, so that all questions are asked at once.
  const bool has_resources = resources_ready(service);
  return image_ready(view) && has_resources;
}

bool StackPlanner::resources_ready(const DesiredService& service) {
  bool ready = true;
  for (const DesiredEndpoint& endpoint : service.endpoints) {
    const DesiredNetwork* network = view_.stack->network(endpoint.network);
    if (network == nullptr || network->owner == Owner::kExternal) {
      ready &= external_ready(service.name, "network", endpoint.network, situation_.answers.networks,
                              plan_.questions.networks);
    } else if (is_held(service.name, subject_of(view_.name, "network:" + network->name),
                       network->config_hash)) {
      ready = false;
    }
  }
  for (const std::string& name : service.facts.volumes) {
    const DesiredVolume* volume = view_.stack->volume(name);
    if (volume == nullptr) continue;  // the engine makes it with the container
    if (volume->owner == Owner::kExternal) {
      ready &=
          external_ready(service.name, "volume", name, situation_.answers.volumes, plan_.questions.volumes);
    } else if (is_held(service.name, subject_of(view_.name, "volume:" + name), volume->config_hash)) {
      ready = false;
    }
  }
  return ready;
}

bool StackPlanner::external_ready(const std::string& service, const std::string& what,
                                  const std::string& name, const std::map<std::string, bool>& answers,
                                  std::set<std::string>& questions) {
  const auto answer = answers.find(name);
  if (answer == answers.end()) {
    questions.insert(name);
    return false;
  }
  if (answer->second) return true;
  wait(service, v1::REASON_EXTERNAL_ABSENT,
       fmt::format("external {} '{}' does not exist on this node (create it)", what, name));
  look_again(situation_.now + kForeignLook);
  return false;
}

bool StackPlanner::image_ready(const ServiceView& view) {
  const DesiredService& service = *view.service;
  const auto answer = situation_.answers.images.find(service.image);
  if (answer == situation_.answers.images.end()) {
    plan_.questions.images.insert(service.image);
    return false;
  }
  const bool present = answer->second.has_value();
  if (service.pull_policy == PullPolicy::kNever && !present) {
    wait(service.name, v1::REASON_IMAGE_ABSENT,
         fmt::format("image '{}' is not on this node, and its pull policy is 'never'", service.image));
    look_again(situation_.now + kForeignLook);
    return false;
  }
  if (service.pull_policy != PullPolicy::kAlways) return present || fetch(service);
  if (present && situation_.past.fresh.contains(subject_of(view_.name, service.name))) return true;
  // Out of reach of the registry, an image of yesterday is better than nothing that runs.
  const auto fetching = situation_.past.fetches.find(image_key(service.image, service.platform));
  const bool failed =
      fetching != situation_.past.fetches.end() && fetching->second.state == Fetch::State::kFailed;
  const bool nothing_there = std::ranges::all_of(
      view.slots, [](const Slot& slot) { return slot.current == nullptr && slot.old.empty(); });
  return (present && failed && nothing_there) || fetch(service);
}

// Says what the pull is at, and has it begun where it is not under way. Never ready by itself.
bool StackPlanner::fetch(const DesiredService& service) {
  const std::string key = image_key(service.image, service.platform);
  const bool is_asked_for = !plan_.fetching.insert(key).second;
  const auto found = situation_.past.fetches.find(key);
  if (found != situation_.past.fetches.end()) {
    const Fetch& fetch = found->second;
    wait(service.name, fetch.reason, fetch.text);
    if (fetch.state == Fetch::State::kPulling) return false;
    if (fetch.not_before > situation_.now) {
      look_again(fetch.not_before);
      return false;
    }
  }
  wait(service.name, v1::REASON_PULLING, fmt::format("pulls image '{}'", key));
  if (!is_asked_for) {
    add(service.name, PullImage{service.image, service.platform},
        {Purpose::kDeploy, fmt::format("service '{}' of stack '{}' needs it", service.name, view_.name)});
  }
  return false;
}

StackPlanner::Indices StackPlanner::needs_of(const ServiceView& view) {
  const DesiredService& service = *view.service;
  Indices needs;
  const auto require = [&](std::optional<std::size_t> step) {
    if (step) needs.push_back(*step);
  };
  for (const DesiredEndpoint& endpoint : service.endpoints) {
    if (const DesiredNetwork* network = view_.stack->network(endpoint.network))
      require(network_step(*network));
  }
  for (const std::string& name : service.facts.volumes) {
    if (const DesiredVolume* volume = view_.stack->volume(name)) require(volume_step(*volume));
  }
  if (!service.mounts.empty()) {
    if (!files_.contains(service.name)) {
      files_[service.name] = add(service.name, PlaceFiles{},
                                 {Purpose::kDeploy, fmt::format("service '{}' of stack '{}' mounts them",
                                                                service.name, view_.name)});
    }
    needs.push_back(files_[service.name]);
  }
  return needs;
}

std::optional<std::size_t> StackPlanner::network_step(const DesiredNetwork& network) {
  const bool is_there =
      std::ranges::find(view_.networks, network.name, &EngineNetwork::name) != view_.networks.end();
  if (network.owner == Owner::kExternal || is_there) return std::nullopt;
  const std::string subject = "network:" + network.name;
  if (!resources_.contains(subject)) {
    resources_[subject] =
        add("", CreateNetwork{network.name},
            {Purpose::kDeploy, fmt::format("stack '{}' has no network '{}'", view_.name, network.key)});
  }
  return resources_[subject];
}

std::optional<std::size_t> StackPlanner::volume_step(const DesiredVolume& volume) {
  const auto& volumes = situation_.observed.volumes;
  const bool is_there = std::ranges::find(volumes, volume.name, &EngineVolume::name) != volumes.end();
  if (volume.owner == Owner::kExternal || is_there) return std::nullopt;
  const std::string subject = "volume:" + volume.name;
  if (!resources_.contains(subject)) {
    resources_[subject] =
        add("", CreateVolume{volume.name},
            {Purpose::kDeploy, fmt::format("stack '{}' has no volume '{}'", view_.name, volume.key)});
  }
  return resources_[subject];
}

// A network cannot be changed: all that is on it goes, then it, and the next plan makes both anew.
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

void StackPlanner::tear_down(const DesiredNetwork& network, const EngineNetwork& there) {
  std::vector<const ServiceView*> users;
  for (const auto& [name, view] : view_.services) {
    const auto& endpoints = view.service->endpoints;
    if (std::ranges::find(endpoints, network.name, &DesiredEndpoint::network) != endpoints.end())
      users.push_back(&view);
  }
  // While it cannot be removed, its users run on the one that is there.
  const std::string subject = subject_of(view_.name, "network:" + network.name);
  if (is_held("", subject, network.config_hash)) return;
  bool ready = true;
  for (const ServiceView* view : users) ready &= resources_ready(*view->service) && image_ready(*view);
  for (const ServiceView* view : users) left_out_.insert(view->service->name);
  if (!ready) return;
  const std::string cause = fmt::format("network '{}' of stack '{}' has changed", network.key, view_.name);
  Indices removals;
  for (const Container& container : situation_.observed.containers) {
    const bool is_of_stack = is_ours(container.labels, situation_.desired.node) &&
                             label_of(container.labels, labels::kStack) == view_.name;
    if (!is_of_stack || !std::ranges::binary_search(container.networks, network.name)) continue;
    remove_container(container, cause);
    if (removals_.contains(container.id)) removals.push_back(removals_[container.id]);
  }
  for (const ServiceView* view : users) wait(view->service->name, v1::REASON_APPLYING, cause);
  add("", RemoveNetwork{there.id, there.name}, {Purpose::kReplace, cause}, removals);
}

void StackPlanner::remove_unwanted() {
  for (const Container* orphan : view_.orphans) {
    const std::string service(label_of(orphan->labels, labels::kService));
    if (is_held(service, subject_of(view_.name, service), "")) continue;
    remove_container(*orphan, view_.stack == nullptr
                                  ? fmt::format("stack '{}' is not wanted on this node", view_.name)
                                  : fmt::format("stack '{}' has no service '{}'", view_.name, service));
  }
  for (const auto& [name, view] : view_.services) {
    for (const Container* container : view.surplus) {
      if (is_held(*view.service)) continue;
      remove_container(*container, fmt::format("service '{}' of stack '{}' has {} replicas", name, view_.name,
                                               view.service->replicas));
    }
  }
}

void StackPlanner::remove_container(const Container& container, const std::string& cause, Indices after) {
  if (container.status == ContainerStatus::kRemoving || removals_.contains(container.id)) return;
  const std::string service(label_of(container.labels, labels::kService));
  const ContainerRef ref{container.id, container.name};
  if (is_up(container)) {
    const std::size_t stop = add(service, StopContainer{ref}, {Purpose::kRemove, cause}, after);
    after = {stop};
    freed_.push_back(stop);
  }
  removals_[container.id] = add(service, RemoveContainer{ref}, {Purpose::kRemove, cause}, std::move(after));
}

void StackPlanner::remove_networks() {
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
