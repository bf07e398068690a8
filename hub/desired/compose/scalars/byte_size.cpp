#include "hub/desired/compose/scalars/byte_size.h"

#include <charconv>
#include <string>

namespace hivemind::hub::compose {
namespace {

// The factor of "", "b", "k", "kb", "kib" …; nothing for an unknown unit.
std::optional<double> factor_of(std::string unit) {
  for (char& c : unit) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  if (unit.empty() || unit == "b") return 1;
  constexpr std::string_view kPrefixes = "kmgtp";
  const std::size_t power = kPrefixes.find(unit.front());
  const std::string_view rest = std::string_view(unit).substr(1);
  if (power == std::string_view::npos || !(rest.empty() || rest == "b" || rest == "ib")) return std::nullopt;
  double factor = 1024;
  for (std::size_t i = 0; i < power; ++i) factor *= 1024;
  return factor;
}

}  // namespace

std::optional<std::int64_t> parse_byte_size(std::string_view text) {
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{} || !(number >= 0) || text.front() == '-') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  const std::optional<double> factor = factor_of(std::string(text));
  if (!factor || !(number * *factor < 9.2e18)) return std::nullopt;
  return static_cast<std::int64_t>(number * *factor);
}

}  // namespace hivemind::hub::compose
