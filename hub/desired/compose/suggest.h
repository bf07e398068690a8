#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace hivemind::hub::compose {

// The one of the known words that was probably meant: at most two letters wrong, swapped, missing or too
// many, and less than half of the word.
std::optional<std::string_view> closest(std::string_view word, std::span<const std::string_view> known);

// A remedy: the key that was probably meant, or else the other text.
template <typename T>
std::string did_you_mean(const std::string& name, const std::map<std::string, T>& known,
                         std::string otherwise) {
  std::vector<std::string_view> names;
  for (const auto& [key, value] : known) names.push_back(key);
  const auto meant = closest(name, names);
  return meant ? fmt::format("did you mean '{}'?", *meant) : std::move(otherwise);
}

}  // namespace hivemind::hub::compose
