#include "agent/plan/stack_planner.h"

#include <algorithm>

#include <fmt/format.h>

#include "agent/plan/keeping.h"

namespace hivemind::agent {
namespace {

// No event tells of what is not ours.
constexpr std::chrono::seconds kForeignLook{5};

bool ran(const GoodRelease& good, const DesiredService& service) {
  const auto found = good.services.find(service.name);
  return found != good.services.end() && found->second == service.config_hash;
}

}  // namespace

std::string aside(const Container& container, const std::string& name) {
  return fmt::format("{}.{}", name, container.id.substr(0, 8));
}

ContainerRef ref(const Container& container) {
  return {container.id, container.name};
}

StopContainer stop_of(const Container& container) {
  const bool runs = container.status == ContainerStatus::kRunning;
  return {ref(container), runs ? std::string(label_of(container.labels, labels::kPreStop)) : ""};
}

StackPlanner::StackPlanner(const Situation& situation, StackView view, Plan& plan)
    : situation_(situation), view_(std::move(view)), plan_(plan), first_step_(plan.steps.size()) {}

void StackPlanner::run() {
  if (view_.stack != nullptr && (!engine_will_do() || is_of_others())) return;
  if (view_.stack != nullptr) {
    notice_differences();
    follow_images();
    kept_ = kept_containers(view_, situation_.past);
    replace_networks();
  }
  remove_unwanted();
  if (is_rolled_back()) clear_failed();
  if (view_.stack != nullptr) {
    for (const DesiredService* service : view_.stack->in_order()) {
      if (!left_out_.contains(service->name)) plan_service(view_.services.at(service->name));
    }
  }
  remove_networks();
  free_ports_first();
}

bool StackPlanner::engine_will_do() {
  const ApiLevel& has = situation_.engine_api;
  const ApiLevel& needs = view_.stack->engine_api;
  if (has >= needs) return true;
  wait("", v1::REASON_ENGINE_TOO_OLD,
       fmt::format("needs Engine API {}.{}, the engine speaks {}.{} (upgrade the engine)", needs.major,
                   needs.minor, has.major, has.minor));
  return false;
}

// What docker compose runs under the stack's name has the names that ours would have: until an operator hands
// it over, nothing of the stack is touched. What the release does not have stands in nobody's way.
bool StackPlanner::is_of_others() {
  const auto project = situation_.observed.projects.find(view_.name);
  if (project == situation_.observed.projects.end()) return false;
  const auto containers = std::ranges::count_if(project->second.containers, [&](const ListedContainer& one) {
    return view_.services.contains(std::string(label_of(one.labels, labels::kComposeService)));
  });
  const bool has_network = std::ranges::any_of(project->second.networks, [&](const EngineNetwork& one) {
    const DesiredNetwork* network = view_.stack->network(one.name);
    return network != nullptr && network->owner == Owner::kStack;
  });
  if (containers == 0 && !has_network) return false;
  wait(
      "", v1::REASON_ADOPTION_NEEDED,
      fmt::format("docker compose has project '{}' on this node already, with {} container{} of its services "
                  "(take it over: hivemind adopt {} {})",
                  view_.name, containers, containers == 1 ? "" : "s", situation_.desired.node, view_.name));
  look_again(situation_.now + kForeignLook);
  return true;
}

void StackPlanner::plan_service(ServiceView& view) {
  for (const Slot& slot : view.slots) {
    if (slot.current == nullptr) {
      make(view, slot);
    } else {
      settle(view, slot);
    }
  }
}

StackPlanner::Change StackPlanner::change_of(const ServiceView& view, const Slot& slot) const {
  const std::string who = fmt::format("service '{}' of stack '{}'", view.service->name, view_.name);
  const auto good = situation_.past.good.find(view_.name);
  const bool was_well = good != situation_.past.good.end() && ran(good->second, *view.service);
  if (slot.old.empty()) return {was_well ? Purpose::kHeal : Purpose::kDeploy, who + " has no container"};
  const std::string cause = fmt::format("{}: {}", who, slot.why_old);
  const bool is_another = std::ranges::none_of(slot.old, [&](const Container* old) {
    return label_of(old->labels, labels::kConfigHash) == view.service->config_hash;
  });
  if (is_another) return {Purpose::kReplace, cause};
  if (slot.why_old == kImageMoved) return {Purpose::kReplace, cause, Pace::kBacksOff};
  // Making it anew must not become a habit where the engine itself keeps changing what we set.
  return {Purpose::kHeal, cause, Pace::kBacksOff};
}

void StackPlanner::make(const ServiceView& view, const Slot& slot) {
  const DesiredService& service = *view.service;
  const bool ready = ready_to_make(view, slot);
  const std::optional<Gate> gate = ready ? open_gate(view, Strictness::kCurrentOnly) : std::nullopt;
  if (!gate) {
    keep_old(view, slot);
    return;
  }
  const Change change = change_of(view, slot);
  Indices after = needs_of(view);
  append(after, free_name(view, slot, change));
  CreateContainer create{slot.name, slot.number, {}, volumes_to_carry(view, slot), image_of_good(service)};
  share_bases(view, create, after);
  const std::size_t created = add(service.name, std::move(create), change, std::move(after));
  creates_[slot.name] = created;
  put_in_place(view, slot, {"", slot.name}, {created}, *gate, change);
}

// After these steps nothing that gives way has the slot's name.
StackPlanner::Indices StackPlanner::free_name(const ServiceView& view, const Slot& slot,
                                              const Change& change) {
  const Container* holder = holder_of(slot.name);
  if (holder == nullptr || holder == slot.current) return {};
  const auto removal = removals_.find(holder->id);
  if (removal != removals_.end()) return {removal->second};
  const bool is_of_slot = std::ranges::find(slot.old, holder) != slot.old.end();
  if (!is_of_slot && !is_kept(*holder)) return {};
  if (!renames_.contains(holder->id)) {
    renames_[holder->id] =
        add(view.service->name, RenameContainer{ref(*holder), aside(*holder, slot.name)}, change);
  }
  return {renames_[holder->id]};
}

void StackPlanner::share_bases(const ServiceView& view, CreateContainer& create, Indices& after) const {
  for (const std::string& name : view.service->bases()) {
    const Slot& base = view_.services.at(name).slots.front();
    create.bases[name] = base.current != nullptr ? ref(*base.current) : ContainerRef{"", base.name};
    const auto made = creates_.find(base.name);
    if (base.current == nullptr && made != creates_.end()) after.push_back(made->second);
  }
}

// Where the old container had another one's volume, that one's container says what it is now.
std::map<std::string, std::string> StackPlanner::volumes_to_carry(const ServiceView& view,
                                                                  const Slot& slot) const {
  if (slot.old.empty()) return {};
  std::set<std::string> of_others;
  const auto note = [&](const Container* container) {
    if (container == nullptr) return;
    for (const auto& [target, volume] : container->anonymous_volumes) of_others.insert(volume);
  };
  for (const VolumesFrom& from : view.service->volumes_from) {
    const auto base = view_.services.find(from.service);
    if (base == view_.services.end()) continue;
    for (const Slot& theirs : base->second.slots) {
      note(theirs.current);
      for (const Container* old : theirs.old) note(old);
    }
  }
  std::map<std::string, std::string> volumes = stand_in(slot)->anonymous_volumes;
  std::erase_if(volumes, [&](const auto& entry) { return of_others.contains(entry.second); });
  return volumes;
}

std::optional<Gate> StackPlanner::open_gate(const ServiceView& view, Strictness strictness) {
  Gate gate = gate_of(*view.service, view_, situation_.past, starts_, strictness);
  if (gate.state == Gate::State::kOpen) return gate;
  const bool failed = gate.state == Gate::State::kFailed;
  wait(view.service->name, failed ? v1::REASON_DEPENDENCY_FAILED : v1::REASON_WAITING_DEPENDENCY, gate.text);
  return std::nullopt;
}

// The old container stands in until the new one can be made: under its own name, and running.
void StackPlanner::keep_old(const ServiceView& view, const Slot& slot) {
  if (slot.old.empty() || is_held(*view.service)) {
    if (!slot.old.empty()) restore_name(view, slot);
    return;
  }
  restore_name(view, slot);
  const Container& old = *stand_in(slot);
  const bool ended_well = old.exit_code == 0 && (view.one_shot || situation_.past.completed.contains(old.id));
  if (old.status != ContainerStatus::kExited || ended_well) return;
  add(view.service->name, StartContainer{ref(old)},
      {Purpose::kHeal,
       fmt::format("service '{}' of stack '{}': it stands in until the new one can be made",
                   view.service->name, view_.name),
       Pace::kBacksOff});
}

void StackPlanner::restore_name(const ServiceView& view, const Slot& slot) {
  const Container& old = *stand_in(slot);
  if (old.name != aside(old, slot.name) || holder_of(slot.name) != nullptr) return;
  add(view.service->name, RenameContainer{ref(old), slot.name},
      {Purpose::kHeal, fmt::format("service '{}' of stack '{}': it stays until the new one can be made",
                                   view.service->name, view_.name)});
}

void StackPlanner::settle(const ServiceView& view, const Slot& slot) {
  const Container& current = *slot.current;
  const std::string& service = view.service->name;
  const std::string who = fmt::format("service '{}' of stack '{}'", service, view_.name);
  if (current.name != slot.name && !is_held(*view.service)) {
    const bool comes_back = current.name == aside(current, slot.name);
    const Change change =
        comes_back
            ? Change{Purpose::kReplace, who + ": it comes back"}
            : Change{Purpose::kHeal, fmt::format("{}: its container is named '{}'", who, current.name)};
    Indices after = free_name(view, slot, change);
    append(after, gone_);
    renames_[current.id] = add(service, RenameContainer{ref(current), slot.name}, change, std::move(after));
  }
  switch (current.status) {
    case ContainerStatus::kCreated:
    case ContainerStatus::kExited:
      start_again(view, slot);
      return;
    case ContainerStatus::kPaused:
      if (!is_held(*view.service)) {
        add(service, UnpauseContainer{ref(current)}, {Purpose::kHeal, who + ": its container is paused"});
      }
      break;
    case ContainerStatus::kRestarting:
      wait(service, v1::REASON_EXITED,
           fmt::format("container exited with code {}, the engine starts it again", current.exit_code));
      break;
    case ContainerStatus::kRunning:
      if (is_held_back(current, view.service->facts) && !is_held(*view.service)) {
        give_policy_back(view, current, {Purpose::kHeal, who + ": the engine would not start it again"},
                         gone_);
      }
      if (stopped_.contains(current.id)) {
        start_stopped(view, slot);
      } else if (!follow_namespaces(view, slot) && run_hooks(view, slot)) {
        return;
      }
      break;
    default:
      break;
  }
  if (!old_stays(view, slot)) retire_old(view, slot, {});
}

void StackPlanner::start_again(const ServiceView& view, const Slot& slot) {
  const Container& current = *slot.current;
  const std::string who = fmt::format("service '{}' of stack '{}'", view.service->name, view_.name);
  if (is_completed(current, view, situation_.past)) {
    retire_old(view, slot, {});
    return;
  }
  if (is_held(*view.service) || !secrets_ready(*view.service)) return;
  const std::optional<Gate> gate = open_gate(view, Strictness::kAnyVersion);
  if (!gate) return;
  if (current.status == ContainerStatus::kCreated) {
    Change change = change_of(view, slot);
    change.cause = who + ": its container was never started";
    put_in_place(view, slot, ref(current), {}, *gate, change);
    return;
  }
  if (situation_.past.restarting.contains(current.id)) {
    put_in_place(view, slot, ref(current), {}, *gate,
                 {Purpose::kFollow, who + ": it restarts with what it depends on"});
    return;
  }
  if (is_held_back(current, view.service->facts) || current.name == aside(current, slot.name)) {
    put_in_place(view, slot, ref(current), {}, *gate, {Purpose::kReplace, who + ": it comes back"});
    return;
  }
  const bool by_hand = situation_.past.ended_by_hand.contains(current.id);
  put_in_place(view, slot, ref(current), {}, *gate,
               {Purpose::kHeal,
                by_hand ? who + ": its container was stopped by hand"
                        : fmt::format("{}: its container exited with code {}", who, current.exit_code),
                by_hand ? Pace::kFree : Pace::kBacksOff});
}

std::size_t StackPlanner::add(std::string service, Action action, Change change, Indices after) {
  std::ranges::sort(after);
  const auto doubles = std::ranges::unique(after);
  after.erase(doubles.begin(), doubles.end());
  // Only the attempt at running it counts; what leads up to it does not.
  const Pace pace = std::holds_alternative<StartContainer>(action) ? change.pace : Pace::kFree;
  plan_.steps.push_back({view_.name, std::move(service), std::move(action), change.purpose,
                         std::move(change.cause), std::move(after), pace});
  return plan_.steps.size() - 1;
}

// The first condition of a service is the one that people need to know.
void StackPlanner::wait(const std::string& service, v1::Reason reason, std::string text) {
  const bool known = std::ranges::any_of(
      plan_.pending, [&](const Pending& p) { return p.stack == view_.name && p.service == service; });
  if (!known) plan_.pending.push_back({view_.name, service, reason, std::move(text)});
}

void StackPlanner::look_again(TimePoint at) {
  if (!plan_.next_look || at < *plan_.next_look) plan_.next_look = at;
}

bool StackPlanner::is_held(const std::string& service, const std::string& subject, const std::string& hash) {
  const auto found = situation_.past.troubles.find(subject);
  if (found == situation_.past.troubles.end()) return false;
  const Trouble& trouble = found->second;
  if (trouble.config_hash != hash || trouble.not_before <= situation_.now) return false;
  wait(service, trouble.reason, trouble.text);
  look_again(trouble.not_before);
  return true;
}

bool StackPlanner::is_held(const DesiredService& service) {
  return is_held(service.name, subject_of(view_.name, service.name), service.config_hash);
}

const Container* StackPlanner::holder_of(const std::string& name) const {
  const auto found = std::ranges::find_if(situation_.observed.containers, [&](const Container& container) {
    return container.name == name && is_ours(container.labels, situation_.desired.node);
  });
  return found == situation_.observed.containers.end() ? nullptr : &*found;
}

}  // namespace hivemind::agent
