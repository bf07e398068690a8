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

// The end of what a program has printed, as one line.
std::string tail_of(std::string_view output) {
  constexpr std::size_t kMostBytes = 300;
  std::string line;
  for (const char c : output) {
    const bool is_space = c == '\n' || c == '\r' || c == '\t' || c == ' ';
    if (!is_space) line += c;
    if (is_space && !line.empty() && line.back() != ' ') line += ' ';
  }
  while (line.ends_with(' ')) line.pop_back();
  if (line.size() <= kMostBytes) return line;
  std::size_t from = line.size() - kMostBytes;
  while (from < line.size() && (static_cast<unsigned char>(line[from]) & 0xc0) == 0x80) ++from;
  return "…" + line.substr(from);
}

// What went wrong, and whether the release's text is needed to say more.
std::string verdict_of(const v1::FailedRelease& failed) {
  switch (failed.reason()) {
    case v1::REASON_UNHEALTHY:
      return "was unhealthy";
    case v1::REASON_EXITED:
      return "ended with code " + std::to_string(failed.exit_code());
    case v1::REASON_PRE_FAILED:
      return "which runs before an update, failed with code " + std::to_string(failed.exit_code());
    default:
      return {};
  }
}

}  // namespace

std::string reason_name(v1::Reason reason) {
  return v1::Reason_IsValid(reason) ? lower_without("REASON_", v1::Reason_Name(reason)) : "unknown";
}

std::string state_name(v1::State state) {
  return v1::State_IsValid(state) ? lower_without("STATE_", v1::State_Name(state)) : "unknown";
}

bool has_failed(const v1::StackReport& stack) {
  return stack.state() == v1::STATE_FAILED || stack.state() == v1::STATE_ROLLED_BACK;
}

std::string failure_text(const v1::FailedRelease& failed) {
  std::string text = failed.restored() ? "rolled back because " : "not updated because ";
  const std::string verdict = verdict_of(failed);
  if (!failed.service().empty()) text += "service '" + failed.service() + "'";
  const std::string more =
      tail_of(failed.output().empty() || verdict.empty() ? failed.text() : failed.output());
  if (failed.service().empty()) return text + (more.empty() ? reason_name(failed.reason()) : more);
  if (failed.reason() == v1::REASON_PRE_FAILED) text += ",";
  if (!verdict.empty()) text += " " + verdict;
  if (verdict.empty() && more.empty()) text += " failed (" + reason_name(failed.reason()) + ")";
  return more.empty() ? text : text + ": " + more;
}

}  // namespace hivemind
