#include "hub/desired/release_memo.h"

namespace hivemind::hub {

OutcomePtr ReleaseMemo::find(const NodeVariables& variables) const {
  if (places_.empty()) return nullptr;
  std::size_t at = 0;
  while (!places_[at].outcome) {
    const Place& place = places_[at];
    const auto next = place.next.find(variables.fingerprint(place.name));
    if (next == place.next.end()) return nullptr;
    at = next->second;
  }
  return places_[at].outcome;
}

void ReleaseMemo::insert(OutcomePtr outcome) {
  if (places_.empty()) places_.emplace_back();
  std::size_t at = 0;
  for (const auto& [name, fingerprint] : outcome->read) {
    if (places_[at].name != name) {
      // Fresh, or the order of reading is not what it was: what hung here is found no more, and made anew
      // when asked for.
      places_[at] = Place{name, nullptr, {}};
    }
    const auto [next, fresh] = places_[at].next.try_emplace(fingerprint, places_.size());
    at = next->second;
    if (fresh) places_.emplace_back();
  }
  places_[at] = Place{"", std::move(outcome), {}};
  ++outcomes_;
}

std::vector<OutcomePtr> ReleaseMemo::all() const {
  std::vector<OutcomePtr> outcomes;
  for (const Place& place : places_) {
    if (place.outcome) outcomes.push_back(place.outcome);
  }
  return outcomes;
}

void ReleaseMemo::keep(const std::vector<OutcomePtr>& used) {
  if (used.size() == outcomes_) return;
  clear();
  for (const OutcomePtr& outcome : used) insert(outcome);
}

void ReleaseMemo::clear() {
  places_.clear();
  outcomes_ = 0;
}

}  // namespace hivemind::hub
