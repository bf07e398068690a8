#include "hub/desired/yaml/node.h"

#include <algorithm>
#include <charconv>
#include <variant>

#include <fmt/format.h>

#include "hub/desired/yaml/number.h"

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

Type type_of(std::string_view text) {
  if (is_null_text(text)) return Type::kNull;
  if (to_bool(text)) return Type::kBool;
  const auto number = parse_number(text);
  if (!number) return Type::kString;
  return std::holds_alternative<double>(*number) ? Type::kFloat : Type::kInteger;
}

// What interpolation made is cast by the key that wants a number, and has no bases then.
std::optional<std::int64_t> cast_to_integer(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

Node::Node() = default;
Node::~Node() = default;
Node::Node(const Node&) = default;
Node::Node(Node&&) noexcept = default;
Node& Node::operator=(const Node&) = default;
Node& Node::operator=(Node&&) noexcept = default;

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
  if (kind != Kind::kScalar || !plain || substituted || !tag.empty()) return Type::kString;
  return type_of(scalar);
}

std::optional<bool> Node::as_bool() const {
  if (kind != Kind::kScalar || !(plain || substituted)) return std::nullopt;
  return to_bool(scalar);
}

std::optional<std::int64_t> Node::as_integer() const {
  if (kind != Kind::kScalar) return std::nullopt;
  if (substituted) return cast_to_integer(scalar);
  const auto number = plain ? parse_number(scalar) : std::nullopt;
  if (!number || !std::holds_alternative<std::int64_t>(*number)) return std::nullopt;
  return std::get<std::int64_t>(*number);
}

std::optional<double> Node::as_float() const {
  if (kind != Kind::kScalar || !(plain || substituted)) return std::nullopt;
  const auto number = parse_number(scalar);
  if (!number) return std::nullopt;
  return std::visit([](auto value) { return static_cast<double>(value); }, *number);
}

std::string Node::printed() const {
  if (kind != Kind::kScalar || !plain || substituted || !tag.empty()) return scalar;
  if (const auto truth = to_bool(scalar)) return *truth ? "true" : "false";
  const auto number = parse_number(scalar);
  return number ? print(*number) : scalar;
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
