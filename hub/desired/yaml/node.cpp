#include "hub/desired/yaml/node.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace hivemind::hub::yaml {
namespace {

constexpr std::size_t kShownLength = 60;

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, text) != words.end();
}

bool is_null_text(std::string_view text) {
  return is_one_of(text, {"null", "Null", "NULL", "~"});
}

std::optional<bool> to_bool(std::string_view text) {
  if (is_one_of(text, {"true", "True", "TRUE"})) return true;
  if (is_one_of(text, {"false", "False", "FALSE"})) return false;
  return std::nullopt;
}

bool is_sign(char c) {
  return c == '-' || c == '+';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string_view without_sign(std::string_view text) {
  if (!text.empty() && is_sign(text.front())) text.remove_prefix(1);
  return text;
}

bool is_decimal(std::string_view text) {
  text = without_sign(text);
  return !text.empty() && std::ranges::all_of(text, is_digit);
}

bool has_base(std::string_view text, std::string_view prefix, std::string_view digits) {
  return text.starts_with(prefix) && text.size() > prefix.size() &&
         text.find_first_not_of(digits, prefix.size()) == std::string_view::npos;
}

bool is_octal(std::string_view text) {
  return has_base(text, "0o", "01234567");
}
bool is_hexadecimal(std::string_view text) {
  return has_base(text, "0x", "0123456789abcdefABCDEF");
}
bool is_integer(std::string_view text) {
  return is_decimal(text) || is_octal(text) || is_hexadecimal(text);
}

bool is_infinity(std::string_view text) {
  return is_one_of(without_sign(text), {".inf", ".Inf", ".INF"});
}
bool is_nan(std::string_view text) {
  return is_one_of(text, {".nan", ".NaN", ".NAN"});
}

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?   (YAML 1.2.2, 10.3.2)
bool is_finite_float(std::string_view text) {
  text = without_sign(text);
  const std::size_t exponent = text.find_first_of("eE");
  if (exponent != std::string_view::npos) {
    if (!is_decimal(text.substr(exponent + 1))) return false;
    text = text.substr(0, exponent);
  }
  const std::size_t dot = text.find('.');
  const std::string_view whole = text.substr(0, dot);
  const std::string_view rest = dot == std::string_view::npos ? "" : text.substr(dot + 1);
  return (!whole.empty() || !rest.empty()) && std::ranges::all_of(whole, is_digit) &&
         std::ranges::all_of(rest, is_digit);
}

Type type_of(std::string_view text) {
  if (is_null_text(text)) return Type::kNull;
  if (to_bool(text)) return Type::kBool;
  if (is_integer(text)) return Type::kInteger;
  if (is_finite_float(text) || is_infinity(text) || is_nan(text)) return Type::kFloat;
  return Type::kString;
}

template <typename Number, typename... Base>
std::optional<Number> convert(std::string_view text, Base... base) {
  if (text.starts_with('+')) text.remove_prefix(1);
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base...);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

bool Node::is_null() const {
  return kind == Kind::kNull || (kind == Kind::kScalar && plain && !substituted && is_null_text(scalar));
}

const Node* Node::find(std::string_view key) const {
  if (kind != Kind::kMap) return nullptr;
  const auto found =
      std::ranges::find(members, key, [](const Member& m) -> const std::string& { return m.first.scalar; });
  return found == members.end() ? nullptr : &found->second;
}

const Node* Node::find_key(std::string_view key) const {
  if (kind != Kind::kMap) return nullptr;
  const auto found =
      std::ranges::find(members, key, [](const Member& m) -> const std::string& { return m.first.scalar; });
  return found == members.end() ? nullptr : &found->first;
}

Type Node::type() const {
  if (is_null()) return Type::kNull;
  if (kind != Kind::kScalar || !plain || substituted) return Type::kString;
  return type_of(scalar);
}

std::optional<bool> Node::as_bool() const {
  if (kind != Kind::kScalar || !(plain || substituted)) return std::nullopt;
  return to_bool(scalar);
}

std::optional<std::int64_t> Node::as_integer() const {
  if (kind != Kind::kScalar || !(plain || substituted)) return std::nullopt;
  const std::string_view text = scalar;
  if (is_decimal(text)) return convert<std::int64_t>(text, 10);
  if (is_octal(text)) return convert<std::int64_t>(text.substr(2), 8);
  if (is_hexadecimal(text)) return convert<std::int64_t>(text.substr(2), 16);
  return std::nullopt;
}

std::optional<double> Node::as_float() const {
  if (kind != Kind::kScalar || !(plain || substituted)) return std::nullopt;
  if (is_nan(scalar)) return std::numeric_limits<double>::quiet_NaN();
  if (is_infinity(scalar)) return (scalar.front() == '-' ? -1 : 1) * std::numeric_limits<double>::infinity();
  if (is_finite_float(scalar)) return convert<double>(scalar);
  const auto integer = as_integer();
  return integer ? std::optional<double>(static_cast<double>(*integer)) : std::nullopt;
}

std::string Node::describe() const {
  if (is_null()) return "nothing";
  if (is_map()) return "a map";
  if (is_sequence()) return "a list";
  const std::string shown = scalar.size() <= kShownLength ? scalar : scalar.substr(0, kShownLength) + "…";
  switch (type()) {
    case Type::kBool:
      return fmt::format("the boolean '{}'", shown);
    case Type::kInteger:
    case Type::kFloat:
      return fmt::format("the number '{}'", shown);
    case Type::kNull:
    case Type::kString:
      break;
  }
  return fmt::format("the string '{}'", shown);
}

}  // namespace hivemind::hub::yaml
