#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace hivemind::hub::compose {

// The one of the known words that was probably meant: at most two letters wrong, swapped, missing or too
// many, and less than half of the word.
std::optional<std::string_view> closest(std::string_view word, std::span<const std::string_view> known);

}  // namespace hivemind::hub::compose
