#include "hub/desired/fleet_reader.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/ids.h"
#include "hub/desired/compose/suggest.h"
#include "hub/desired/secrets.h"

namespace hivemind::hub {
namespace {

bool is_variable_name(std::string_view text) {
  const auto is_part = [](char c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !text.empty() && !(text.front() >= '0' && text.front() <= '9') && std::ranges::all_of(text, is_part);
}

}  // namespace

void FleetReader::add(Severity severity, const Location& at, std::string_view code, std::string message,
                      std::string remedy) {
  diagnostics_.push_back({.severity = severity,
                          .code = std::string(code),
                          .location = at,
                          .stack = stack_,
                          .message = std::move(message),
                          .remedy = std::move(remedy)});
}

void FleetReader::error(const Location& at, std::string_view code, std::string message, std::string remedy) {
  failed_ = true;
  add(Severity::kError, at, code, std::move(message), std::move(remedy));
}

void FleetReader::warning(const Location& at, std::string_view code, std::string message,
                          std::string remedy) {
  add(Severity::kWarning, at, code, std::move(message), std::move(remedy));
}

void FleetReader::wrong_type(const yaml::Node& node, std::string_view name, std::string_view expected,
                             std::string remedy) {
  error(node.location, "fleet.wrong-type",
        fmt::format("'{}' is given {}, expected {}", name, node.describe(), expected), std::move(remedy));
}

bool FleetReader::is_map(const yaml::Node& node, std::string_view name) {
  if (!node.is_map()) wrong_type(node, name, "a map");
  return node.is_map();
}

bool FleetReader::is_list(const yaml::Node& node, std::string_view name) {
  if (!node.is_sequence()) wrong_type(node, name, "a list");
  return node.is_sequence();
}

std::optional<std::string> FleetReader::text(const yaml::Node& node, std::string_view name) {
  if (node.is_scalar()) return node.scalar;
  wrong_type(node, name, "a string");
  return std::nullopt;
}

std::optional<bool> FleetReader::boolean(const yaml::Node& node, std::string_view name) {
  const auto value = node.as_bool();
  if (!value) wrong_type(node, name, "'true' or 'false'");
  return value;
}

std::vector<std::string> FleetReader::texts(const yaml::Node& node, std::string_view name) {
  std::vector<std::string> all;
  if (!is_list(node, name)) return all;
  if (node.items.empty()) wrong_type(node, name, "at least one entry", "leave the key out if none is meant");
  for (const yaml::Node& item : node.items) {
    if (auto one = text(item, name)) all.push_back(std::move(*one));
  }
  return all;
}

std::vector<std::string> FleetReader::text_or_texts(const yaml::Node& node, std::string_view name) {
  if (node.is_sequence()) return texts(node, name);
  if (node.is_scalar()) return {node.scalar};
  wrong_type(node, name, "a string or a list of strings");
  return {};
}

Labels FleetReader::labels(const yaml::Node& node, std::string_view name) {
  Labels labels;
  if (!is_map(node, name)) return labels;
  for (const auto& [key, value] : node.members) {
    if (!is_label_key(key.scalar)) {
      error(key.location, "fleet.name", fmt::format("'{}' is no label", key.scalar),
            "use up to 63 letters, digits, '.', '-' and '_', a letter or digit first");
    }
    if (auto one = text(value, key.scalar)) labels.emplace(key.scalar, std::move(*one));
  }
  return labels;
}

void FleetReader::secret_variable(const yaml::Node& node, const std::string& name, SecretVariables& secrets) {
  const yaml::Node* secret = node.find("secret");
  if (secret == nullptr || node.members.size() != 1)
    return wrong_type(node, name, "a string or '{secret: NAME}'");
  const auto text = this->text(*secret, "secret");
  if (!text) return;
  if (!is_secret_name(*text)) {
    return error(secret->location, "fleet.name", fmt::format("'{}' is no name for a secret", *text),
                 "use up to 63 letters, digits, '.', '-' and '_'");
  }
  if (name.starts_with("COMPOSE_")) {
    return error(secret->location, "fleet.secret-variable",
                 fmt::format("'{}' cannot be a secret: it says how the stack is compiled", name),
                 "give it as it is");
  }
  secrets.emplace(name, SecretVariable{*text, secret->location});
}

Variables FleetReader::variables(const yaml::Node& node, std::string_view name, SecretVariables& secrets) {
  Variables variables;
  if (!is_map(node, name)) return variables;
  for (const auto& [key, value] : node.members) {
    if (!is_variable_name(key.scalar)) {
      error(key.location, "fleet.name", fmt::format("'{}' is no variable name", key.scalar),
            "use letters, digits and '_', no digit first");
    }
    if (value.is_null()) {
      wrong_type(value, key.scalar, "a string", "write \"\" for an empty one");
    } else if (value.is_map()) {
      secret_variable(value, key.scalar, secrets);
    } else if (auto one = text(value, key.scalar)) {
      variables.emplace(key.scalar, std::move(*one));
    }
  }
  return variables;
}

void FleetReader::refuse_unknown_keys(const yaml::Node& map, std::span<const std::string_view> known) {
  for (const auto& [key, value] : map.members) {
    if (key.scalar.starts_with("x-") || std::ranges::find(known, key.scalar) != known.end()) continue;
    const auto meant = compose::closest(key.scalar, known);
    error(key.location, "fleet.unknown-key", fmt::format("key '{}' is not known", key.scalar),
          meant ? fmt::format("did you mean '{}'?", *meant)
                : fmt::format("known are '{}'", fmt::join(known, "', '")));
  }
}

}  // namespace hivemind::hub
