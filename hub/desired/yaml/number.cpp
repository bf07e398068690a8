#include "hub/desired/yaml/number.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace hivemind::hub::yaml {
namespace {

constexpr int kLargestFixedExponent = 5;  // Go's %v, for the shortest digits: fixed from 1e-4 up to 1e6
constexpr int kSmallestFixedExponent = -4;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_sign(char c) {
  return c == '-' || c == '+';
}

std::string without_underscores(std::string_view text) {
  std::string plain(text);
  std::erase(plain, '_');
  return plain;
}

struct Base {
  int radix = 10;
  std::size_t prefix = 0;
};

// text without its sign. A leading 0 alone is octal (Go's base 0).
Base base_of(std::string_view text) {
  if (text.size() < 2 || text[0] != '0') return {};
  switch (text[1]) {
    case 'x':
    case 'X':
      return {16, 2};
    case 'b':
    case 'B':
      return {2, 2};
    case 'o':
    case 'O':
      return {8, 2};
    default:
      return {8, 1};
  }
}

template <typename T>
std::optional<T> convert(std::string_view text, auto... how) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, how...);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Number> parse_whole(std::string_view text) {
  bool negative = text.starts_with('-');
  const bool has_sign = is_sign(text.front());
  if (has_sign) text.remove_prefix(1);
  const Base base = base_of(text);
  text.remove_prefix(base.prefix);
  // go-yaml strips the prefixes 0b and 0o by itself and has what follows parsed with a sign of its own.
  const bool inner = !has_sign && base.prefix == 2 && base.radix != 16 && !text.empty() && is_sign(text[0]);
  if (inner) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  if (text.starts_with('-')) return std::nullopt;
  const auto magnitude = convert<std::uint64_t>(text, base.radix);
  if (!magnitude) return std::nullopt;
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (negative && *magnitude > kMost + 1) return std::nullopt;
  if (negative) return static_cast<std::int64_t>(0 - *magnitude);
  if (*magnitude <= kMost) return static_cast<std::int64_t>(*magnitude);
  if (has_sign) return std::nullopt;
  return *magnitude;
}

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?   (YAML 1.2.2, 10.3.2)
bool is_finite_float(std::string_view text) {
  const auto take_digits = [&] {
    const auto end = std::ranges::find_if_not(text, is_digit);
    const auto length = static_cast<std::size_t>(end - text.begin());
    text.remove_prefix(length);
    return length > 0;
  };
  if (!text.empty() && is_sign(text.front())) text.remove_prefix(1);
  const bool whole = take_digits();
  bool fraction = false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    fraction = take_digits();
  }
  if (!whole && !fraction) return false;
  if (text.empty()) return true;
  if (text.front() != 'e' && text.front() != 'E') return false;
  text.remove_prefix(1);
  if (!text.empty() && is_sign(text.front())) text.remove_prefix(1);
  return take_digits() && text.empty();
}

// from_chars does not say whether a number is too large or too small for a double.
bool is_too_small(std::string_view text) {
  const std::size_t exponent = text.find_first_of("eE");
  return exponent != std::string_view::npos && text.substr(exponent + 1).starts_with('-');
}

std::optional<Number> parse_float(std::string_view text) {
  if (!is_finite_float(text)) return std::nullopt;
  const bool negative = text.front() == '-';
  if (is_sign(text.front())) text.remove_prefix(1);
  auto value = convert<double>(text);
  if (!value && is_too_small(text)) value = 0.0;
  if (!value) return std::nullopt;  // a string, as it is for the reference
  return negative ? -*value : *value;
}

std::optional<Number> parse_special(std::string_view text) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (text == ".nan" || text == ".NaN" || text == ".NAN") return std::numeric_limits<double>::quiet_NaN();
  const bool negative = text.starts_with('-');
  if (is_sign(text.front())) text.remove_prefix(1);
  if (text != ".inf" && text != ".Inf" && text != ".INF") return std::nullopt;
  return negative ? -kInfinity : kInfinity;
}

std::string print_float(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Inf" : "+Inf";
  char buffer[32];
  const auto written =
      std::to_chars(std::begin(buffer), std::end(buffer), value, std::chars_format::scientific);
  const std::string_view text(buffer, static_cast<std::size_t>(written.ptr - buffer));
  std::string_view exponent_text = text.substr(text.find('e') + 1);
  if (exponent_text.starts_with('+')) exponent_text.remove_prefix(1);
  const int exponent = convert<int>(exponent_text).value_or(0);
  if (exponent < kSmallestFixedExponent || exponent > kLargestFixedExponent) return std::string(text);
  const auto fixed = std::to_chars(std::begin(buffer), std::end(buffer), value, std::chars_format::fixed);
  return {buffer, fixed.ptr};
}

}  // namespace

std::optional<Number> parse_number(std::string_view text) {
  if (text.empty()) return std::nullopt;
  if (const auto special = parse_special(text)) return special;
  if (!is_digit(text.front()) && !is_sign(text.front()) && text.front() != '.') return std::nullopt;
  const std::string plain = text.starts_with("._") ? std::string(text) : without_underscores(text);
  if (plain.front() != '.') {
    if (const auto whole = parse_whole(plain)) return whole;
  }
  return parse_float(plain);
}

std::string print(const Number& number) {
  if (const double* value = std::get_if<double>(&number)) return print_float(*value);
  return std::visit([](auto value) { return fmt::format("{}", value); }, number);
}

}  // namespace hivemind::hub::yaml
