#include "hub/desired/interpolate.h"

#include <algorithm>

#include <fmt/format.h>

namespace hivemind::hub {
namespace {

constexpr std::size_t kMaxDepth = 32;  // of nested defaults
constexpr std::size_t kShownLength = 60;
constexpr std::string_view kHowToSet =
    "set it under 'vars' of the stack or of the node, or in the stack's env file";

bool is_name_start(char c) {
  return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_name_part(char c) {
  return is_name_start(c) || (c >= '0' && c <= '9');
}

std::string_view leading_name(std::string_view text) {
  if (text.empty() || !is_name_start(text.front())) return {};
  return text.substr(0,
                     static_cast<std::size_t>(std::ranges::find_if_not(text, is_name_part) - text.begin()));
}

std::string shown(std::string_view text) {
  return text.size() <= kShownLength ? std::string(text) : std::string(text.substr(0, kShownLength)) + "…";
}

// Where the brace that the text starts with ("${…") is closed, in the same line. As in the reference every
// '{' opens another one and hides the character behind it, and where that leaves none to close it, the line's
// last
// '}' does: "${V:-a{b}c}" and "${V:-{}}" are whole.
std::size_t closing_brace(std::string_view text) {
  std::size_t open = 0;
  std::size_t last = std::string_view::npos;
  for (std::size_t i = 0; i < text.size() && text[i] != '\n'; ++i) {
    if (text[i] == '}') {
      last = i;
      if (--open == 0) return i;
    }
    if (text[i] != '{') continue;
    ++open;
    ++i;
    if (i < text.size() && text[i] == '}') last = i;
    if (i < text.size() && text[i] == '\n') break;
  }
  return last;
}

// What stands between the braces: a name and what to do when it has no value, or has one.
struct Expression {
  std::string_view name;
  bool empty_is_unset = false;  // the ':' before the operator
  char operation = '\0';        // '-', '?', '+', or none
  std::string_view argument;
};

std::optional<Expression> parse_expression(std::string_view text) {
  Expression expression{
      .name = leading_name(text), .empty_is_unset = false, .operation = '\0', .argument = {}};
  if (expression.name.empty()) return std::nullopt;
  text.remove_prefix(expression.name.size());
  if (text.empty()) return expression;
  expression.empty_is_unset = text.front() == ':';
  if (expression.empty_is_unset) text.remove_prefix(1);
  if (text.empty() || std::string_view("-?+").find(text.front()) == std::string_view::npos)
    return std::nullopt;
  expression.operation = text.front();
  expression.argument = text.substr(1);
  return expression;
}

// Whether a part is evaluated, or only checked because the value of another part is taken.
enum class Mode { kEvaluate, kCheck };

class Substitution {
 public:
  Substitution(const Lookup& lookup, InterpolationError& error, std::set<std::string>* unset)
      : lookup_(lookup), error_(error), unset_(unset) {}

  bool append(std::string_view text, Mode mode, std::size_t depth, std::string& out) {
    while (!text.empty()) {
      const std::size_t dollar = std::min(text.find('$'), text.size());
      out += text.substr(0, dollar);
      text.remove_prefix(dollar);
      if (!text.empty() && !take_dollar(text, mode, depth, out)) return false;
    }
    return true;
  }

 private:
  bool fail(std::string message, std::string_view remedy) {
    error_ = {std::move(message), std::string(remedy)};
    return false;
  }

  // text starts with '$'; takes from it what that '$' governs.
  bool take_dollar(std::string_view& text, Mode mode, std::size_t depth, std::string& out) {
    if (text.starts_with("${")) return take_braced(text, mode, depth, out);
    const std::string_view name = leading_name(text.substr(1));
    if (!name.empty()) {
      if (mode == Mode::kEvaluate) out += value_or_empty(name);
      text.remove_prefix(1 + name.size());
      return true;
    }
    out += '$';
    text.remove_prefix(text.starts_with("$$") ? 2 : 1);
    return true;
  }

  bool take_braced(std::string_view& text, Mode mode, std::size_t depth, std::string& out) {
    const std::size_t end = closing_brace(text);
    if (end == std::string_view::npos) {
      return fail(fmt::format("'{}' has no closing '}}'", shown(text)),
                  "write '$$' for a '$' that is meant as such");
    }
    const auto expression = parse_expression(text.substr(2, end - 2));
    if (!expression) {
      return fail(fmt::format("'{}' is no variable, expected '${{NAME}}' or '${{NAME:-default}}'",
                              shown(text.substr(0, end + 1))),
                  "write '$$' for a '$' that is meant as such");
    }
    if (depth == kMaxDepth) return fail(fmt::format("variables are nested more than {} deep", kMaxDepth), "");
    text.remove_prefix(end + 1);
    return mode == Mode::kCheck ? check(*expression, depth) : evaluate(*expression, depth, out);
  }

  bool check(const Expression& expression, std::size_t depth) {
    std::string ignored;
    return append(expression.argument, Mode::kCheck, depth + 1, ignored);
  }

  bool evaluate(const Expression& expression, std::size_t depth, std::string& out) {
    if (expression.operation == '\0') {
      out += value_or_empty(expression.name);
      return true;
    }
    const auto value = lookup_(expression.name);
    const bool present = value && !(expression.empty_is_unset && value->empty());
    const bool argument_counts = expression.operation == '+' ? present : !present;
    if (!argument_counts) {
      if (expression.operation != '+') out += *value;
      return check(expression, depth);
    }
    std::string argument;
    if (!append(expression.argument, Mode::kEvaluate, depth + 1, argument)) return false;
    if (expression.operation == '?') return fail_required(expression, value.has_value(), argument);
    out += argument;
    return true;
  }

  bool fail_required(const Expression& expression, bool is_set, const std::string& reason) {
    std::string message =
        fmt::format("variable '{}' is required, but {}", expression.name, is_set ? "empty" : "not set");
    if (!reason.empty()) message += ": " + reason;
    return fail(std::move(message), kHowToSet);
  }

  std::string value_or_empty(std::string_view name) {
    auto value = lookup_(name);
    if (!value && unset_ != nullptr) unset_->emplace(name);
    return std::move(value).value_or("");
  }

  const Lookup& lookup_;
  InterpolationError& error_;
  std::set<std::string>* unset_;
};

void report(const Location& location, const InterpolationError& error, Diagnostics& diagnostics) {
  Diagnostic diagnostic{.code = "compose.interpolation",
                        .location = location,
                        .message = error.message,
                        .remedy = error.remedy};
  // An alias repeats what stands at its anchor.
  if (std::ranges::find(diagnostics, diagnostic) == diagnostics.end())
    diagnostics.push_back(std::move(diagnostic));
}

void rewrite(yaml::Node& node, const Lookup& lookup, UnsetVariables rule, Diagnostics& diagnostics,
             UnsetWarned& warned) {
  if (node.scalar.find('$') == std::string::npos) return;
  InterpolationError error;
  std::set<std::string> unset;
  auto text = interpolate(node.scalar, lookup, error, &unset);
  for (const std::string& name : unset) {
    if (warned.insert(name).second) diagnostics.push_back(unset_variable(name, rule, node.location));
  }
  if (!text) return report(node.location, error, diagnostics);
  node.scalar = std::move(*text);
  node.substituted = true;
}

void walk(yaml::Node& node, const Lookup& lookup, UnsetVariables rule, Diagnostics& diagnostics,
          UnsetWarned& warned) {
  if (node.kind == yaml::Kind::kScalar) rewrite(node, lookup, rule, diagnostics, warned);
  for (yaml::Node& item : node.items) walk(item, lookup, rule, diagnostics, warned);
  for (auto& [key, value] : node.members) walk(value, lookup, rule, diagnostics, warned);
}

Lookup lookup_in(const Environment& environment) {
  return [&environment](std::string_view name) { return environment.get(name); };
}

}  // namespace

std::optional<std::string> interpolate(std::string_view text, const Lookup& lookup, InterpolationError& error,
                                       std::set<std::string>* unset) {
  std::string out;
  out.reserve(text.size());
  if (!Substitution(lookup, error, unset).append(text, Mode::kEvaluate, 0, out)) return std::nullopt;
  return out;
}

std::optional<std::string> interpolate(std::string_view text, const Environment& environment,
                                       InterpolationError& error, std::set<std::string>* unset) {
  return interpolate(text, lookup_in(environment), error, unset);
}

Diagnostic unset_variable(std::string_view name, UnsetVariables rule, const Location& location) {
  const bool error = rule == UnsetVariables::kError;
  return {.severity = error ? Severity::kError : Severity::kWarning,
          .code = "compose.unset-variable",
          .location = location,
          .message =
              fmt::format("variable '{}' is not set{}", name, error ? "" : ", and taken for an empty string"),
          .remedy = fmt::format("{}, or give a default with '${{{}:-…}}'", kHowToSet, name)};
}

void interpolate(yaml::Node& node, const Lookup& lookup, UnsetVariables rule, Diagnostics& diagnostics,
                 UnsetWarned& warned) {
  walk(node, lookup, rule, diagnostics, warned);
}

void interpolate(yaml::Node& node, const Environment& environment, UnsetVariables rule,
                 Diagnostics& diagnostics) {
  UnsetWarned warned;
  interpolate(node, lookup_in(environment), rule, diagnostics, warned);
}

}  // namespace hivemind::hub
