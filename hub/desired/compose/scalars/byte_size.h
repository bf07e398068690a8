#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace hivemind::hub::compose {

// A size in bytes: a number with an optional unit b, k, kb, m, mb, g, gb, t, tb, p, pb in either case ("kib"
// and the like too); units are powers of 1024, as in the reference. "1.5gb" is 1610612736. Nothing for
// anything else.
std::optional<std::int64_t> parse_byte_size(std::string_view text);

}  // namespace hivemind::hub::compose
