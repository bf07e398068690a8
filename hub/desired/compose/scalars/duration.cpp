#include "hub/desired/compose/scalars/duration.h"

#include <array>
#include <charconv>
#include <utility>

namespace hivemind::hub::compose {
namespace {

struct Unit {
  std::string_view name;
  double nanoseconds;
};

// Longer names first, so that "ms" is not read as minutes.
constexpr std::array<Unit, 9> kUnits{{{"ns", 1},
                                      {"us", 1e3},
                                      {"µs", 1e3},
                                      {"ms", 1e6},
                                      {"s", 1e9},
                                      {"m", 60e9},
                                      {"h", 3600e9},
                                      {"d", 86'400e9},
                                      {"w", 604'800e9}}};

const Unit* unit_at(std::string_view text) {
  for (const Unit& unit : kUnits) {
    if (text.starts_with(unit.name)) return &unit;
  }
  return nullptr;
}

}  // namespace

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  if (text == "0") return std::chrono::nanoseconds{0};
  if (text.empty()) return std::nullopt;
  double total = 0;
  while (!text.empty()) {
    double number = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (error != std::errc{} || number < 0 || text.front() == '-') return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    const Unit* unit = unit_at(text);
    if (unit == nullptr) return std::nullopt;
    text.remove_prefix(unit->name.size());
    total += number * unit->nanoseconds;
  }
  if (!(total < 9.2e18)) return std::nullopt;  // inf and nan too
  return std::chrono::nanoseconds{static_cast<std::int64_t>(total + 0.5)};
}

}  // namespace hivemind::hub::compose
