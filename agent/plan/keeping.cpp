#include "agent/plan/keeping.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

namespace hivemind::agent {
namespace {

// Containers that may come back, by service and replica.
using Places = std::map<std::pair<std::string_view, std::string_view>, Slot>;

void collect(Places& places, const std::vector<const Container*>& containers, const GoodRelease& good) {
  for (const Container* container : containers) {
    const std::string_view service = label_of(container->labels, labels::kService);
    const auto hash = good.services.find(std::string(service));
    const bool can_come_back =
        container->status != ContainerStatus::kRemoving && container->status != ContainerStatus::kDead;
    if (!can_come_back || hash == good.services.end() ||
        hash->second != label_of(container->labels, labels::kConfigHash))
      continue;
    places[{service, label_of(container->labels, labels::kComposeNumber)}].old.push_back(container);
  }
}

}  // namespace

const GoodRelease* kept_release(const StackView& view, const Past& past) {
  if (view.stack == nullptr || view.stack->origin != Origin::kManifest) return nullptr;
  const auto good = past.good.find(view.name);
  const bool can_come_back = good != past.good.end() && !good->second.release.empty();
  return can_come_back && good->second.digest != view.stack->digest ? &good->second : nullptr;
}

std::set<std::string> kept_containers(const StackView& view, const Past& past) {
  const GoodRelease* good = kept_release(view, past);
  if (good == nullptr) return {};
  Places places;
  for (const auto& [name, service] : view.services) {
    for (const Slot& slot : service.slots) collect(places, slot.old, *good);
    collect(places, service.surplus, *good);
  }
  collect(places, view.orphans, *good);
  std::set<std::string> ids;
  for (const auto& [place, found] : places) ids.insert(stand_in(found)->id);
  return ids;
}

}  // namespace hivemind::agent
