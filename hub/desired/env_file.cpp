#include "hub/desired/env_file.h"

#include <algorithm>

#include <fmt/format.h>

#include "hub/desired/yaml/characters.h"

namespace hivemind::hub {
namespace {

constexpr std::string_view kExport = "export";

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Letters outside of ASCII are let through, as in the reference.
bool is_key_character(char c) {
  return static_cast<unsigned char>(c) >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || std::string_view("_.-[]").find(c) != std::string_view::npos;
}

// Of two bytes: NEL and the no-break space.
bool starts_with_wide_space(std::string_view text) {
  return text.starts_with("\xC2\x85") || text.starts_with("\xC2\xA0");
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (is_space(text.front()) || starts_with_wide_space(text)))
    text.remove_prefix(is_space(text.front()) ? 1 : 2);
  while (!text.empty()) {
    const bool wide = text.size() > 1 && starts_with_wide_space(text.substr(text.size() - 2));
    if (!wide && !is_space(text.back())) break;
    text.remove_suffix(wide ? 2 : 1);
  }
  return text;
}

// Behind a value a comment starts at a '#' after a space: "A=#b", "A= #b" and "A=b#c" have none.
std::string_view without_comment(std::string_view text) {
  return text.substr(0, text.find(" #"));
}

// What the letter after a backslash stands for in double quotes, ready for interpolation; empty: the
// backslash is kept.
std::string_view escaped(char letter) {
  switch (letter) {
    case 'a':
      return "\a";
    case 'b':
      return "\b";
    case 'f':
      return "\f";
    case 'n':
      return "\n";
    case 'r':
      return "\r";
    case 't':
      return "\t";
    case 'v':
      return "\v";
    case '\\':
      return "\\";
    case '"':
      return "\"";
    case '$':
      return "$$";
    default:
      return {};
  }
}

class EnvFile {
 public:
  EnvFile(std::string_view text, const std::string& file, const Lookup& lookup, UnsetVariables rule,
          Diagnostics& diagnostics)
      : rest_(text), file_(file), lookup_(lookup), rule_(rule), diagnostics_(diagnostics) {}

  std::optional<Variables> parse() {
    while (skip_to_statement()) {
      if (!take_statement()) skip_line();
    }
    if (failed_) return std::nullopt;
    return std::move(variables_);
  }

 private:
  bool fail(int line, std::string message, std::string remedy = "") {
    failed_ = true;
    diagnostics_.push_back({.code = "env-file.syntax",
                            .location = {file_, line, 0},
                            .message = std::move(message),
                            .remedy = std::move(remedy)});
    return false;
  }

  char next() {
    const char c = rest_.front();
    if (c == '\n') ++line_;
    rest_.remove_prefix(1);
    return c;
  }

  void skip_spaces() {
    while (!rest_.empty() && is_space(rest_.front())) next();
  }

  std::string_view take_line() {
    const std::string_view line = rest_.substr(0, rest_.find('\n'));
    rest_.remove_prefix(line.size());
    if (!rest_.empty()) next();
    return line;
  }

  void skip_line() { take_line(); }

  bool skip_to_statement() {
    while (!rest_.empty()) {
      skip_spaces();
      if (rest_.empty() || (rest_.front() != '#' && rest_.front() != '\n')) break;
      skip_line();
    }
    return !rest_.empty();
  }

  // False when it is wrong: the rest of its line is then left to skip.
  bool take_statement() {
    if (rest_.starts_with(kExport) && rest_.size() > kExport.size() && is_space(rest_[kExport.size()])) {
      rest_.remove_prefix(kExport.size());
      skip_spaces();
    }
    const auto end =
        static_cast<std::size_t>(std::ranges::find_if_not(rest_, is_key_character) - rest_.begin());
    const std::string key(rest_.substr(0, end));
    rest_.remove_prefix(end);
    const bool alone = trimmed(rest_.substr(0, rest_.find('\n'))).empty();
    if (alone && !key.empty()) return inherit(key);
    skip_spaces();
    const char separator = rest_.empty() ? '\n' : rest_.front();
    if (key.empty() || (separator != '=' && separator != ':')) return fail_key(key, separator);
    next();
    return take_value(key);
  }

  bool inherit(const std::string& key) {
    if (auto value = lookup_(key)) variables_[key] = std::move(*value);
    skip_line();
    return true;
  }

  bool fail_key(const std::string& key, char found) {
    constexpr std::string_view kExpected = "write KEY=value";
    if (key.empty())
      return fail(line_, fmt::format("'{}' stands where a key is expected", found), std::string(kExpected));
    return fail(line_, fmt::format("key '{}' is followed by '{}', expected '='", key, found),
                std::string(kExpected));
  }

  bool take_value(const std::string& key) {
    const std::string_view value = trimmed(rest_.substr(0, rest_.find('\n')));
    if (value.starts_with('\'') || value.starts_with('"')) {
      skip_spaces();
      return take_quoted(key);
    }
    const int line = line_;
    return store(key, trimmed(without_comment(trimmed(take_line()))), line);
  }

  bool take_quoted(const std::string& key) {
    const int line = line_;
    const std::string_view before = rest_;
    const char quote = next();
    std::string value;
    while (!rest_.empty() && rest_.front() != quote) {
      if (!take_escape(quote, value)) value += next();
    }
    if (rest_.empty()) {
      rest_ = before;
      line_ = line;
      return fail(line, fmt::format("the value of '{}' has no closing {}", key, quote), "close the quote");
    }
    next();
    // What follows is the next statement, on the same line or not.
    if (quote == '"') return store(key, value, line);
    variables_[key] = std::move(value);
    return true;
  }

  // In single quotes only the quote itself can be escaped; a backslash before another one keeps it from doing
  // so.
  bool take_escape(char quote, std::string& value) {
    if (rest_.front() != '\\' || rest_.size() < 2) return false;
    if (quote == '\'') {
      if (rest_[1] != '\'' && rest_[1] != '\\') return false;
      value += rest_[1] == '\'' ? "'" : "\\\\";
      rest_.remove_prefix(2);
      return true;
    }
    if (take_octal(value)) return true;
    const std::string_view stands_for = escaped(rest_[1]);
    if (stands_for.empty()) return false;
    value += stands_for;
    rest_.remove_prefix(2);
    return true;
  }

  // \0 and three octal digits: the character of that code, and a '$' made so still begins a variable. Of
  // fewer digits, and of what is no such number, the reference leaves the backslash and the digits.
  bool take_octal(std::string& value) {
    if (rest_[1] != '0') return false;
    unsigned code = 0;
    std::size_t length = 2;
    bool octal = true;
    for (; length < 5 && length < rest_.size() && is_digit(rest_[length]); ++length) {
      octal = octal && rest_[length] < '8';
      code = code * 8 + static_cast<unsigned>(rest_[length] - '0');
    }
    if (!octal || length < 5 || code == 0 || code > 0xFF) {
      value += '\\';
      value += rest_.substr(2, length - 2);
    } else if (code > 0x7F) {
      value += static_cast<char>(0xC0 | (code >> 6));
      value += static_cast<char>(0x80 | (code & 0x3F));
    } else {
      value += static_cast<char>(code);
    }
    rest_.remove_prefix(length);
    return true;
  }

  bool store(const std::string& key, std::string_view text, int line) {
    const auto lookup = [this](std::string_view name) { return find(name); };
    InterpolationError error;
    std::set<std::string> unset;
    auto value = interpolate(text, lookup, error, &unset);
    for (const std::string& name : unset) {
      if (!warned_.insert(name).second) continue;
      diagnostics_.push_back(unset_variable(name, rule_, {file_, line, 0}));
      failed_ = failed_ || rule_ == UnsetVariables::kError;
    }
    // The statement is used up, wrong or not: nothing is left of it to skip.
    if (!value) fail(line, fmt::format("the value of '{}': {}", key, error.message), error.remedy);
    if (value) variables_[key] = std::move(*value);
    return true;
  }

  std::optional<std::string> find(std::string_view name) const {
    if (auto value = lookup_(name)) return value;
    const auto found = variables_.find(name);
    return found == variables_.end() ? std::nullopt : std::optional(found->second);
  }

  std::string_view rest_;
  int line_ = 1;
  const std::string& file_;
  const Lookup& lookup_;
  UnsetVariables rule_;
  Diagnostics& diagnostics_;
  Variables variables_;
  UnsetWarned warned_;
  bool failed_ = false;
};

}  // namespace

std::optional<Variables> parse_env_file(std::string_view text, const std::string& file, const Lookup& lookup,
                                        Diagnostics& diagnostics, UnsetVariables rule) {
  text = yaml::without_byte_order_mark(text);
  if (!yaml::check_characters(text, file, "env-file.encoding", diagnostics)) return std::nullopt;
  return EnvFile(text, file, lookup, rule, diagnostics).parse();
}

std::optional<Variables> parse_env_file(std::string_view text, const std::string& file,
                                        const Environment& environment, Diagnostics& diagnostics,
                                        UnsetVariables rule) {
  const Lookup lookup = [&environment](std::string_view name) { return environment.get(name); };
  return parse_env_file(text, file, lookup, diagnostics, rule);
}

}  // namespace hivemind::hub
