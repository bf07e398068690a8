#pragma once

#include <functional>
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

// As what a secret is remembered that was read by its own name. No variable is called so.
inline constexpr std::string_view kSecretRead{"\0secret:", 8};
inline std::string secret_read(std::string_view secret) {
  return std::string(kSecretRead) + std::string(secret);
}

// What a stack may know of secrets for one node.
struct SecretsOffered {
  // The id that counts; nothing: there is none.
  std::function<std::optional<std::string>(std::string_view name)> find{};
  // Ids that variables hold placeholders of.
  std::set<std::string> in_variables{};
};

// The variables that a stack may read for one node. It remembers which names were asked for, found or not:
// those make the release's environment, and nodes that agree on them share the release.
class Environment {
 public:
  explicit Environment(Variables values, SecretsOffered secrets = {})
      : values_(std::move(values)), secrets_(std::move(secrets)) {}

  std::optional<std::string> get(std::string_view name) const {
    note(name);
    const auto found = values_.find(name);
    if (found == values_.end()) return std::nullopt;
    return found->second;
  }
  // The id of a secret that is asked for by its own name.
  std::optional<std::string> secret(std::string_view name) const {
    note(secret_read(name));
    return secrets_.find ? secrets_.find(name) : std::nullopt;
  }
  bool offers(const std::string& secret_id) const { return secrets_.in_variables.contains(secret_id); }

  const std::set<std::string, std::less<>>& names_read() const { return names_read_; }
  // The same names, in the order in which they were asked for first.
  const std::vector<std::string>& order_read() const { return order_read_; }

 private:
  void note(std::string_view name) const {
    if (const auto [read, first] = names_read_.emplace(name); first) order_read_.push_back(*read);
  }

  Variables values_;
  SecretsOffered secrets_;
  mutable std::set<std::string, std::less<>> names_read_;
  mutable std::vector<std::string> order_read_;
};

}  // namespace hivemind::hub
