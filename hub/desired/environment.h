#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace hivemind::hub {

// What a variable without value and default is: an error, or a warning and the empty string.
enum class UnsetVariables { kError, kWarn };

using Variables = std::map<std::string, std::string, std::less<>>;

// The variables that a stack may read for one node. It remembers which names were asked for, found or not:
// those make the release's environment, and nodes that agree on them share the release.
class Environment {
 public:
  explicit Environment(Variables values) : values_(std::move(values)) {}

  std::optional<std::string> get(std::string_view name) const {
    if (const auto [read, first] = names_read_.emplace(name); first) order_read_.push_back(*read);
    const auto found = values_.find(name);
    if (found == values_.end()) return std::nullopt;
    return found->second;
  }
  const std::set<std::string, std::less<>>& names_read() const { return names_read_; }
  // The same names, in the order in which they were asked for first.
  const std::vector<std::string>& order_read() const { return order_read_; }

 private:
  Variables values_;
  mutable std::set<std::string, std::less<>> names_read_;
  mutable std::vector<std::string> order_read_;
};

}  // namespace hivemind::hub
