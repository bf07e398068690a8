#include <algorithm>

#include <fmt/format.h>

#include "agent/plan/differences.h"
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
  const bool name_is_free = holder == nullptr || removals_.contains(holder->id) || is_kept(*holder) ||
                            std::ranges::find(slot.old, holder) != slot.old.end();
  if (!name_is_free) {
    wait(service.name, v1::REASON_APPLYING, fmt::format("waits for the name '{}' to become free", slot.name));
    return false;
  }
  for (const std::string& base : service.bases()) {
    if (!view_.services.at(base).slots.empty()) continue;
    wait(service.name, v1::REASON_DEPENDENCY_FAILED,
         fmt::format("shares what '{}' has, which has no container (give it a replica)", base));
    return false;
  }
  // All of them, so that all questions are asked at once, and images are on their way.
  const bool has_secrets = secrets_ready(service);
  const bool has_resources = resources_ready(service);
  return image_ready(view) && has_resources && has_secrets;
}

bool StackPlanner::secrets_ready(const DesiredService& service) {
  const std::string trouble = secrets_trouble(service, situation_.secrets);
  if (!trouble.empty()) wait(service.name, v1::REASON_SECRETS_FAILED, trouble);
  return trouble.empty();
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
  if (!std::ranges::all_of(service.mounts, &DesiredMount::is_secret)) {
    if (!files_.contains(service.name)) {
      files_[service.name] = add(service.name, PlaceFiles{},
                                 {Purpose::kDeploy, fmt::format("service '{}' of stack '{}' mounts them",
                                                                service.name, view_.name)});
    }
    needs.push_back(files_[service.name]);
  }
  require(secrets_step(service));
  return needs;
}

std::optional<std::size_t> StackPlanner::secrets_step(const DesiredService& service) {
  if (std::ranges::none_of(service.mounts, &DesiredMount::is_secret)) return std::nullopt;
  if (!secrets_.contains(service.name)) {
    secrets_[service.name] = add(
        service.name, PlaceSecrets{},
        {Purpose::kDeploy, fmt::format("service '{}' of stack '{}' mounts them", service.name, view_.name)});
  }
  return secrets_[service.name];
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

// What stays as it is, although it is wanted otherwise.
void StackPlanner::notice_differences() {
  for (const DesiredVolume& volume : view_.stack->volumes) {
    const auto& volumes = situation_.observed.volumes;
    const auto there = std::ranges::find(volumes, volume.name, &EngineVolume::name);
    if (volume.owner == Owner::kExternal || there == volumes.end()) continue;
    const std::string difference = volume_difference(volume, *there);
    if (!difference.empty())
      plan_.notices.push_back({view_.name, notice_kinds::kVolumeDiffers, "", difference});
  }
  for (const DesiredService& service : view_.stack->services) {
    const std::string why = why_stop_first(service);
    if (service.update_order == UpdateOrder::kStartFirst && !why.empty() && service.replicas > 0) {
      plan_.notices.push_back({view_.name, notice_kinds::kStopFirst, service.name,
                               fmt::format("{}: at an update, its old container stops before the new one "
                                           "starts, although start-first is asked for",
                                           why)});
    }
  }
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
  if (is_kept(container)) {
    append(freed_, set_aside(container, {Purpose::kRemove, cause}, after));
    return;
  }
  if (container.status == ContainerStatus::kRemoving || removals_.contains(container.id)) return;
  const std::string service(label_of(container.labels, labels::kService));
  if (is_up(container)) {
    const std::size_t stop = add(service, stop_for(container), {Purpose::kRemove, cause}, after);
    after = {stop};
    freed_.push_back(stop);
  }
  removals_[container.id] =
      add(service, RemoveContainer{ref(container)}, {Purpose::kRemove, cause}, std::move(after));
}

}  // namespace hivemind::agent
