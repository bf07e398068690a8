#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

// Members of JSON objects as engines find them: encoding/json of Go takes a key in any case.
namespace hivemind::agent {

// In lower case, with the two letters beyond ASCII that Go folds into it: U+017F is an 's', U+212A a 'k'.
inline std::string folded(std::string_view key) {
  constexpr std::string_view kLongS = "\xc5\xbf", kKelvin = "\xe2\x84\xaa";
  std::string text;
  while (!key.empty()) {
    if (key.starts_with(kLongS)) {
      text += 's';
      key.remove_prefix(kLongS.size());
    } else if (key.starts_with(kKelvin)) {
      text += 'k';
      key.remove_prefix(kKelvin.size());
    } else {
      const char c = key.front();
      text += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      key.remove_prefix(1);
    }
  }
  return text;
}

// name: folded. All of them, since any may be the one that counts.
template <typename Use>
void each_member(const nlohmann::json& object, std::string_view name, Use use) {
  for (const auto& [key, value] : object.items()) {
    if (folded(key) == name) use(value);
  }
}

// The first; null: none.
inline const nlohmann::json* member(const nlohmann::json& object, std::string_view name) {
  const nlohmann::json* found = nullptr;
  each_member(object, name, [&](const nlohmann::json& value) { found = found == nullptr ? &value : found; });
  return found;
}

}  // namespace hivemind::agent
