#include "common/report_text.h"

#include <algorithm>
#include <string_view>

namespace hivemind {
namespace {

// "REASON_PULL_FAILED" -> "pull_failed"
std::string lower_without(std::string_view prefix, std::string_view name) {
  if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  std::string text(name);
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

}  // namespace

std::string reason_name(v1::Reason reason) {
  return v1::Reason_IsValid(reason) ? lower_without("REASON_", v1::Reason_Name(reason)) : "unknown";
}

std::string state_name(v1::State state) {
  return v1::State_IsValid(state) ? lower_without("STATE_", v1::State_Name(state)) : "unknown";
}

}  // namespace hivemind
