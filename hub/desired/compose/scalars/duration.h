#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace hivemind::hub::compose {

// A duration of the Compose specification, such as "1m30s", "1.5h" or "2d": numbers with us, ms, s, m, h, d
// or w. "0" needs no unit. Nothing for anything else, a bare number and what does not fit 64 bits among it.
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);

}  // namespace hivemind::hub::compose
