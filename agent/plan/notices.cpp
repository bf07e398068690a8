#include "agent/plan/notices.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "agent/plan/utf8.h"
#include "common/text.h"

namespace hivemind::agent {
namespace {

// A report goes to the broker with every change: it stays small whatever an engine or an application does.
constexpr std::size_t kMostOfAKind = 50;
constexpr std::size_t kLongestText = 500;

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

// Engines' words and names of files may hold anything; texts of protobuf, and terminals, may not.
std::string printable(const std::string& text) {
  std::string clean;
  for (std::size_t at = 0; at < text.size();) {
    if (clean.size() >= kLongestText) return clean + "...";
    const std::size_t length = is_control(text[at]) ? 0 : character_at(text, at);
    if (length == 0) {
      clean += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[at]));
    } else {
      clean += text.substr(at, length);
    }
    at += std::max<std::size_t>(length, 1);
  }
  return clean;
}

std::string prefix_of(std::string_view stack) {
  return std::string(stack) + "/";
}

}  // namespace

std::vector<Notice> engine_warnings(const std::string& stack, const std::string& service,
                                    const std::vector<std::string>& warnings) {
  std::vector<Notice> notices;
  for (const std::string& warning : warnings) {
    std::string text(trimmed(warning));
    if (!text.empty()) notices.push_back({stack, notice_kinds::kEngineWarning, service, std::move(text)});
  }
  return notices;
}

void Notices::learn(const std::string& subject, std::vector<Notice> notices) {
  if (notices.empty()) {
    by_subject_.erase(subject);
  } else {
    by_subject_[subject] = std::move(notices);
  }
}

void Notices::keep(const std::function<bool(const std::string& subject)>& is_wanted) {
  std::erase_if(by_subject_, [&](const auto& entry) { return !is_wanted(entry.first); });
}

std::vector<Notice> Notices::of_stack(std::string_view stack) const {
  const std::string prefix = prefix_of(stack);
  std::vector<Notice> found;
  for (auto at = by_subject_.lower_bound(prefix); at != by_subject_.end(); ++at) {
    if (!at->first.starts_with(prefix)) break;
    found.insert(found.end(), at->second.begin(), at->second.end());
  }
  return found;
}

std::vector<Notice> presentable(std::vector<Notice> notices) {
  for (Notice& notice : notices) notice.text = printable(notice.text);
  std::ranges::sort(notices);
  const auto twins = std::ranges::unique(notices);
  notices.erase(twins.begin(), twins.end());
  std::vector<Notice> kept;
  for (std::size_t from = 0; from < notices.size();) {
    std::size_t to = from;
    while (to < notices.size() && notices[to].stack == notices[from].stack &&
           notices[to].kind == notices[from].kind)
      ++to;
    const std::size_t end = std::min(to, from + kMostOfAKind);
    for (std::size_t i = from; i < end; ++i) kept.push_back(notices[i]);
    if (to > end) {
      kept.push_back({notices[from].stack, notices[from].kind, "", fmt::format("and {} more", to - end)});
    }
    from = to;
  }
  return kept;
}

}  // namespace hivemind::agent
