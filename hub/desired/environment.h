#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace hivemind::hub {

using Variables = std::map<std::string, std::string, std::less<>>;

// The variables that a stack may read for one node. It remembers which names were asked for, found or not:
// those make the release's environment, and nodes that agree on them share the release.
class Environment {
 public:
  explicit Environment(Variables values) : values_(std::move(values)) {}

  std::optional<std::string> get(std::string_view name) const {
    names_read_.emplace(name);
    const auto found = values_.find(name);
    if (found == values_.end()) return std::nullopt;
    return found->second;
  }
  const std::set<std::string, std::less<>>& names_read() const { return names_read_; }

 private:
  Variables values_;
  mutable std::set<std::string, std::less<>> names_read_;
};

}  // namespace hivemind::hub
