#include "hub/desired/compose/reader.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hub/desired/compose/suggest.h"

namespace hivemind::hub::compose {
namespace {

template <typename T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

constexpr std::string_view kTrue[] = {"true", "yes", "on", "y"};
constexpr std::string_view kFalse[] = {"false", "no", "off", "n"};

std::optional<bool> parse_bool(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (std::ranges::find(kTrue, text) != std::end(kTrue)) return true;
  if (std::ranges::find(kFalse, text) != std::end(kFalse)) return false;
  return std::nullopt;
}

bool is_allowed(yaml::Type type, Allowed allowed) {
  switch (type) {
    case yaml::Type::kString:
      return true;
    case yaml::Type::kInteger:
    case yaml::Type::kFloat:
      return allowed != Allowed::kText;
    case yaml::Type::kBool:
      return allowed == Allowed::kNumbersAndBooleans;
    case yaml::Type::kNull:
      break;
  }
  return false;
}

std::string_view name_of(Allowed allowed) {
  switch (allowed) {
    case Allowed::kText:
      break;
    case Allowed::kNumbers:
      return "a string or a number";
    case Allowed::kNumbersAndBooleans:
      return "a string, a number or a boolean";
  }
  return "a string";
}

}  // namespace

void Reader::add(Severity severity, const Location& at, std::string_view code, std::string message,
                 std::string remedy) {
  diagnostics_.push_back(
      {severity, std::string(code), at, stack_, service_, std::move(message), std::move(remedy), {}});
}

void Reader::error(const Location& at, std::string_view code, std::string message, std::string remedy) {
  ++errors_;
  add(Severity::kError, at, code, std::move(message), std::move(remedy));
}

void Reader::warning(const Location& at, std::string_view code, std::string message, std::string remedy) {
  add(Severity::kWarning, at, code, std::move(message), std::move(remedy));
}

Reader::Scope Reader::in_service(const std::string& service) {
  return {*this, service, {}};
}

Reader::Scope Reader::in_key(const std::string& key) {
  std::vector<std::string> path = path_;
  path.push_back(key);
  return {*this, service_, std::move(path)};
}

std::string Reader::path() const {
  return fmt::format("{}", fmt::join(path_, "."));
}

std::string Reader::below(const yaml::Node& key) const {
  return path_.empty() ? key.scalar : path() + "." + key.scalar;
}

std::optional<std::string> Reader::text(const yaml::Node& node, Allowed allowed) {
  if (node.is_scalar() && is_allowed(node.type(), allowed)) return node.printed();
  const bool plain = node.is_scalar() && node.type() != yaml::Type::kString;
  error(node.location, "compose.wrong-type",
        fmt::format("'{}' must be {}, found {}", path(), name_of(allowed), node.describe()),
        plain ? "write it in quotes" : "");
  return std::nullopt;
}

// Quoted values are read as well, and so is what YAML 1.1 took for a truth value: the reference casts them,
// too, where a key wants one.
std::optional<bool> Reader::boolean(const yaml::Node& node) {
  if (const auto value = node.as_bool()) return value;
  const auto value = node.is_scalar() ? parse_bool(node.scalar) : std::nullopt;
  if (!value) wrong_type(node, "true or false");
  if (value && node.scalar != "true" && node.scalar != "false") {
    warning(node.location, "compose.legacy-boolean",
            fmt::format("'{}' is '{}', read as {}", path(), node.scalar, *value), "write 'true' or 'false'");
  }
  return value;
}

std::optional<std::int64_t> Reader::integer(const yaml::Node& node) {
  auto value = node.as_integer();
  if (!value && node.is_scalar()) value = parse_number<std::int64_t>(node.scalar);
  if (!value) wrong_type(node, "an integer");
  return value;
}

std::optional<double> Reader::number(const yaml::Node& node) {
  auto value = node.as_float();
  if (!value && node.is_scalar()) value = parse_number<double>(node.scalar);
  if (!value) wrong_type(node, "a number");
  return value;
}

std::vector<Text> Reader::texts(const yaml::Node& node, Allowed allowed) {
  std::vector<Text> all;
  if (!is_sequence(node)) return all;
  for (const yaml::Node& item : node.items) {
    if (auto value = text(item, allowed)) all.push_back({std::move(*value), item.location});
  }
  return all;
}

std::vector<Text> Reader::text_or_texts(const yaml::Node& node) {
  if (node.is_sequence()) return texts(node);
  if (node.is_scalar() && node.type() == yaml::Type::kString) return {{node.scalar, node.location}};
  wrong_type(node, "a string or a list of strings");
  return {};
}

Pairs Reader::pairs(const yaml::Node& node, Allowed values) {
  Pairs all;
  if (node.is_map()) {
    for (const auto& [key, value] : node.members) {
      const Scope scope = in_key(key.scalar);
      if (key.scalar.empty()) {
        error(key.location, "compose.invalid-value", fmt::format("a key of '{}' is empty", path()));
      } else if (value.is_null()) {
        all[key.scalar] = {std::nullopt, key.location};
      } else if (auto scalar = text(value, values)) {
        all[key.scalar] = {std::move(scalar), value.location};
      }
    }
  } else if (node.is_sequence()) {
    for (const Text& item : texts(node)) {
      const std::size_t equals = item.value.find('=');
      auto& slot = all[item.value.substr(0, equals)];
      slot.location = item.location;
      slot.value.reset();
      if (equals != std::string::npos) slot.value = item.value.substr(equals + 1);
    }
  } else {
    wrong_type(node, "a map or a list of 'KEY=VALUE'");
  }
  return all;
}

bool Reader::is_map(const yaml::Node& node) {
  if (!node.is_map()) wrong_type(node, "a map");
  return node.is_map();
}

bool Reader::is_sequence(const yaml::Node& node) {
  if (!node.is_sequence()) wrong_type(node, "a list");
  return node.is_sequence();
}

std::optional<std::string> Reader::choice(const yaml::Node& node,
                                          std::initializer_list<std::string_view> allowed) {
  auto value = text(node);
  if (!value) return value;
  for (const std::string_view one : allowed) {
    if (*value == one) return value;
  }
  const auto meant = closest(*value, {allowed.begin(), allowed.size()});
  invalid(node, fmt::format("'{}'", fmt::join(allowed, "', '")),
          meant ? fmt::format("did you mean '{}'?", *meant) : "");
  return std::nullopt;
}

void Reader::wrong_type(const yaml::Node& node, std::string_view expected) {
  error(node.location, "compose.wrong-type",
        fmt::format("'{}' must be {}, found {}", path(), expected, node.describe()));
}

void Reader::invalid(const yaml::Node& node, std::string_view expected, std::string remedy) {
  error(node.location, "compose.invalid-value",
        fmt::format("'{}' is '{}', expected {}", path(), node.scalar, expected), std::move(remedy));
}

void Reader::refused_by_engine(const yaml::Node& node, std::string_view expected, std::string remedy) {
  error(node.location, "compose.refused-by-engine",
        fmt::format("'{}' is '{}', the engine expects {}", path(), node.scalar, expected), std::move(remedy));
}

void Reader::unknown_key(const yaml::Node& key, std::span<const std::string_view> known) {
  const auto meant = closest(key.scalar, known);
  error(key.location, "compose.unknown-key", fmt::format("key '{}' is not known", below(key)),
        meant ? fmt::format("did you mean '{}'?", *meant) : "remove it, or begin its name with 'x-'");
}

void Reader::unsupported_key(const yaml::Node& key, std::string remedy) {
  error(key.location, "compose.unsupported-key", fmt::format("key '{}' is not supported", below(key)),
        remedy.empty() ? "remove it" : std::move(remedy));
}

void Reader::ignored_key(const yaml::Node& key, std::string_view why) {
  warning(key.location, "compose.ignored-key", fmt::format("key '{}' is ignored: {}", below(key), why));
}

void Reader::pass_on(const yaml::Node& key, const yaml::Node& value) {
  if (!passed_on_) return;
  std::vector<std::string> path = path_;
  path.push_back(key.scalar);
  passed_on_->emplace_back(std::move(path), value);
}

void Reader::pass_on(const yaml::Node& value) {
  if (passed_on_) passed_on_->emplace_back(path_, value);
}

PassedOn Reader::keep_passed_on() {
  return std::exchange(passed_on_, PassedOn{}).value_or(PassedOn{});
}

std::vector<std::string> values(const std::vector<Text>& texts) {
  std::vector<std::string> all;
  all.reserve(texts.size());
  for (const Text& text : texts) all.push_back(text.value);
  return all;
}

}  // namespace hivemind::hub::compose
