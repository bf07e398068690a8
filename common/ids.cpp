#include "common/ids.h"

#include <algorithm>

#include "common/error.h"

namespace hivemind {
namespace {

constexpr std::size_t kMaxLength = 63;

bool is_lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool is_alnum(char c) {
  return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}
bool has_length(std::string_view text) {
  return !text.empty() && text.size() <= kMaxLength;
}

}  // namespace

bool is_node_id(std::string_view text) {
  return has_length(text) && text.front() != '-' && text.back() != '-' &&
         std::ranges::all_of(text, [](char c) { return is_lower_or_digit(c) || c == '-'; });
}

bool is_stack_name(std::string_view text) {
  return has_length(text) && is_lower_or_digit(text.front()) &&
         std::ranges::all_of(text, [](char c) { return is_lower_or_digit(c) || c == '-' || c == '_'; });
}

bool is_compose_key(std::string_view text) {
  return has_length(text) &&
         std::ranges::all_of(text, [](char c) { return is_alnum(c) || c == '.' || c == '-' || c == '_'; });
}

bool is_label_key(std::string_view text) {
  return is_compose_key(text) && is_alnum(text.front());
}

bool is_registry(std::string_view text) {
  if (text.find_first_of(".:") == std::string_view::npos && text != "localhost") return false;
  return (is_alnum(text.front()) || text.front() == '[') && std::ranges::all_of(text, [](char c) {
           return is_alnum(c) || c == '_' || c == '.' || c == '-' || c == ':' || c == '[' || c == ']';
         });
}

void require_node_id(std::string_view text) {
  if (is_node_id(text)) return;
  throw Error(ErrorCode::kInvalid,
              "node id '{}' is not a DNS label (1 to 63 of a-z, 0-9 and '-', neither first nor last a '-')",
              text);
}

std::string label_variable(std::string_view label_key) {
  std::string name = "HIVEMIND_LABEL_";
  for (char c : label_key) {
    if (!is_alnum(c)) c = '_';
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    name += c;
  }
  return name;
}

}  // namespace hivemind
