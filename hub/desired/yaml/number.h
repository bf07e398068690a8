#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace hivemind::hub::yaml {

// The number that a plain scalar is for the reference (go-yaml 3): decimal, octal with a leading 0 or 0o,
// 0x…, 0b…, floats, and '_' between digits of any of them. A whole number too large for 64 bits is a float.
using Number = std::variant<std::int64_t, std::uint64_t, double>;
std::optional<Number> parse_number(std::string_view text);

// As Go prints it with %v: "8", "1.1", "1e+06", "+Inf".
std::string print(const Number& number);

}  // namespace hivemind::hub::yaml
