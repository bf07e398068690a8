#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hivemind::hub::compose {

// A port or a range of them, both ends included.
struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
  int count() const { return last - first + 1; }
  bool operator==(const PortRange&) const = default;
};

// "80" or "8000-8010"; ports count from 1. Nothing for anything else.
std::optional<PortRange> parse_port_range(std::string_view text);

// "80" or "8000-8010".
std::string to_string(const PortRange& range);

}  // namespace hivemind::hub::compose
