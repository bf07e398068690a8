#include <algorithm>

#include <fmt/format.h>

#include "agent/plan/keeping.h"
#include "agent/plan/stack_planner.h"

namespace hivemind::agent {
namespace {

// How often to look for an image that nobody pulls.
constexpr std::chrono::seconds kForeignLook{5};

}  // namespace

// Containers give way to the image that their reference names now: once it has been pulled again, because the
// time for that has come or because a new release is tried.
void StackPlanner::follow_images() {
  for (auto& [name, view] : view_.services) {
    const DesiredService& service = *view.service;
    const bool is_there = !view.slots.empty() && std::ranges::all_of(view.slots, [](const Slot& slot) {
      return slot.current != nullptr;
    });
    if (!is_there || !follows_image(service)) continue;
    if (service.pull_policy == PullPolicy::kEvery && pull_is_due(service)) fetch(service);
    if (!image_is_there(service.image)) continue;
    const std::optional<std::string>& image = situation_.answers.images.at(service.image);
    if (!image) continue;
    for (Slot& slot : view.slots) give_way(view, slot, *image);
  }
}

// With 'always' only while the release before can come back: nothing else is pulled, and where that one has
// come back it is not to be left again by itself.
bool StackPlanner::follows_image(const DesiredService& service) const {
  if (is_rolled_back()) return false;
  if (service.pull_policy == PullPolicy::kEvery) return true;
  return service.pull_policy == PullPolicy::kAlways && kept_release(view_, situation_.past) != nullptr;
}

void StackPlanner::give_way(const ServiceView& view, Slot& slot, const std::string& image) {
  const Container& current = *slot.current;
  if (current.image_id.empty() || current.image_id == image || is_completed(current, view, situation_.past))
    return;
  const auto made = std::ranges::find(slot.doubles, image, &Container::image_id);
  slot.current = made == slot.doubles.end() ? nullptr : *made;
  if (slot.current != nullptr) std::erase(slot.old, slot.current);
  slot.old.push_back(&current);
  slot.why_old = kImageMoved;
}

bool StackPlanner::image_ready(const ServiceView& view) {
  const DesiredService& service = *view.service;
  if (is_rolled_back() && !service.image_id.empty()) {
    const std::optional<bool> there = image_is_there(service.image_id);
    if (!there || *there) return there.has_value();
  }
  // Out of reach of the registry, an image of yesterday is better than nothing that runs.
  const auto fetching = situation_.past.fetches.find(image_key(service.image, service.platform));
  const bool failed =
      fetching != situation_.past.fetches.end() && fetching->second.state == Fetch::State::kFailed;
  const bool nothing_there = std::ranges::all_of(
      view.slots, [](const Slot& slot) { return slot.current == nullptr && slot.old.empty(); });
  if (failed && nothing_there && image_is_there(service.image) == true) return true;
  return policy_is_met(service);
}

// Present, and pulled where the pull policy wants that.
bool StackPlanner::policy_is_met(const DesiredService& service) {
  const std::optional<bool> there = image_is_there(service.image);
  if (!there) return false;
  if (service.pull_policy == PullPolicy::kNever && !*there) {
    wait(service.name, v1::REASON_IMAGE_ABSENT,
         fmt::format("image '{}' is not on this node, and its pull policy is 'never'", service.image));
    look_again(situation_.now + kForeignLook);
    return false;
  }
  const bool is_fresh = situation_.past.fresh.contains(subject_of(view_.name, service.name));
  return (*there && (is_fresh || !pull_is_due(service))) || fetch(service);
}

// Nothing: asked for.
std::optional<bool> StackPlanner::image_is_there(const std::string& reference) {
  const auto answer = situation_.answers.images.find(reference);
  if (answer != situation_.answers.images.end()) return answer->second.has_value();
  plan_.questions.images.insert(reference);
  return std::nullopt;
}

// A tag may have moved since the release was found good.
std::string StackPlanner::image_of_good(const DesiredService& service) const {
  if (!is_rolled_back()) return {};
  const auto answer = situation_.answers.images.find(service.image_id);
  const bool there = answer != situation_.answers.images.end() && answer->second.has_value();
  return there ? service.image_id : "";
}

// What is there already of a service needs no image, unless its policy is 'always': then each release pulls.
// A job has no container, and needs its image all the same.
void StackPlanner::fetch_all() {
  if (!engine_will_do()) return;
  bool whole = true;
  for (const auto& [name, view] : view_.services) {
    const bool is_there =
        std::ranges::all_of(view.slots, [](const Slot& slot) { return slot.current != nullptr; });
    const bool is_new = !is_there || view_.stack->is_job(name);
    if (!is_new && view.service->pull_policy != PullPolicy::kAlways) continue;
    whole = secrets_ready(*view.service) && whole;
    whole = policy_is_met(*view.service) && whole;
    if (pull_is_due(*view.service)) plan_.unused.insert(subject_of(view_.name, name));
  }
  if (whole) plan_.fetched.insert(view_.name);
}

// A record of the future comes from a clock that was wrong: it counts as due, and is made anew by the pull.
// A release that comes back needs no more than that its images are there.
bool StackPlanner::pull_is_due(const DesiredService& service) const {
  if (is_rolled_back()) return false;
  if (service.pull_policy == PullPolicy::kAlways) return true;
  if (service.pull_policy != PullPolicy::kEvery) return false;
  const auto& pulled = situation_.past.pulled;
  const auto last = pulled.find(image_key(service.image, service.platform));
  if (last == pulled.end()) return true;
  const std::int64_t age = situation_.wall_s - last->second;
  return age < 0 || age >= service.pull_every.count();
}

// Says what the pull is at, and has it begun where it is not under way. Never ready by itself.
bool StackPlanner::fetch(const DesiredService& service) {
  const std::string key = image_key(service.image, service.platform);
  const bool is_asked_for = !plan_.fetching.insert(key).second;
  const auto found = situation_.past.fetches.find(key);
  if (found != situation_.past.fetches.end()) {
    const Fetch& fetch = found->second;
    const bool is_held = fetch.state == Fetch::State::kFailed && fetch.not_before > situation_.now;
    wait(service.name, fetch.state == Fetch::State::kPulling || is_held ? fetch.reason : v1::REASON_PULLING,
         fetch.text);
    if (is_held) look_again(fetch.not_before);
    if (is_held || fetch.state == Fetch::State::kPulling) return false;
  }
  wait(service.name, v1::REASON_PULLING, fmt::format("pulls image '{}'", key));
  if (!is_asked_for) {
    add(service.name, PullImage{service.image, service.platform},
        {Purpose::kDeploy, fmt::format("service '{}' of stack '{}' needs it", service.name, view_.name)});
  }
  return false;
}

}  // namespace hivemind::agent
