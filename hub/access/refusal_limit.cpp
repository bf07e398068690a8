#include "hub/access/refusal_limit.h"

namespace hivemind::hub {

std::optional<std::int64_t> RefusalLimit::refused(const std::string& who, const std::string& action,
                                                  Clock::time_point now) {
  const auto found = entries_.find({who, action});
  if (found == entries_.end()) {
    if (entries_.size() >= kMostEntries)
      std::erase_if(entries_, [&](const auto& entry) { return now - entry.second.told >= kBetween; });
    if (entries_.size() >= kMostEntries) return std::nullopt;
    entries_.emplace(std::pair(who, action), Entry{now, 0});
    return 1;
  }
  Entry& entry = found->second;
  ++entry.since;
  if (now - entry.told < kBetween) return std::nullopt;
  entry.told = now;
  return std::exchange(entry.since, 0);
}

}  // namespace hivemind::hub
