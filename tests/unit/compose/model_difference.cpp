#include "tests/unit/compose/model_difference.h"

#include <set>

#include <fmt/format.h>

namespace hivemind::tests {
namespace {

using nlohmann::json;

bool says_nothing(const json& value, const std::string& key, const std::string& parent) {
  if (parent == "environment" || parent == "networks") return false;
  if (value.is_null()) return true;
  return value.is_array() && value.empty() && key != "command" && key != "entrypoint";
}

json normalised(const json& from, const std::string& parent) {
  if (from.is_object()) {
    json into = json::object();
    for (const auto& [key, value] : from.items()) {
      if (says_nothing(value, key, parent)) continue;
      into[key] = parent == "networks" && value.is_null() ? json::object() : normalised(value, key);
    }
    return into;
  }
  if (from.is_array()) {
    json into = json::array();
    for (const json& item : from) into.push_back(normalised(item, ""));
    return into;
  }
  return from;
}

class Comparison {
 public:
  void compare(const json& expected, const json& found, const std::string& path) {
    if (expected.is_object() && found.is_object()) return compare_maps(expected, found, path);
    if (expected.is_array() && found.is_array()) return compare_lists(expected, found, path);
    if (expected != found) all_.push_back({path, expected.dump(), found.dump()});
  }
  std::vector<Difference> take() { return std::move(all_); }

 private:
  void compare_maps(const json& expected, const json& found, const std::string& path) {
    std::set<std::string> keys;
    for (const auto& [key, value] : expected.items()) keys.insert(key);
    for (const auto& [key, value] : found.items()) keys.insert(key);
    for (const std::string& key : keys) {
      const std::string below = path.empty() ? key : path + "." + key;
      if (!found.contains(key)) {
        one_sided(expected[key], below, &Difference::expected);
      } else if (!expected.contains(key)) {
        one_sided(found[key], below, &Difference::found);
      } else {
        compare(expected[key], found[key], below);
      }
    }
  }

  void compare_lists(const json& expected, const json& found, const std::string& path) {
    for (std::size_t i = 0; i < std::max(expected.size(), found.size()); ++i) {
      const std::string below = fmt::format("{}.{}", path, i);
      if (i >= found.size()) {
        one_sided(expected[i], below, &Difference::expected);
      } else if (i >= expected.size()) {
        one_sided(found[i], below, &Difference::found);
      } else {
        compare(expected[i], found[i], below);
      }
    }
  }

  // Every leaf on its own: each may be one that got lost.
  void one_sided(const json& value, const std::string& path, std::string Difference::*side) {
    if (!value.is_structured() || value.empty()) {
      Difference one{path, "", ""};
      one.*side = value.dump();
      all_.push_back(std::move(one));
      return;
    }
    for (const auto& [key, below] : value.items()) one_sided(below, path + "." + key, side);
  }

  std::vector<Difference> all_;
};

}  // namespace

std::vector<Difference> differences(const json& expected, const json& found) {
  Comparison comparison;
  comparison.compare(normalised(expected, ""), normalised(found, ""), "");
  return comparison.take();
}

std::string to_text(const Difference& one) {
  const auto side = [](const std::string& text) { return text.empty() ? "nothing" : text.substr(0, 120); };
  return fmt::format("{}: expected {}, found {}", one.path, side(one.expected), side(one.found));
}

}  // namespace hivemind::tests
