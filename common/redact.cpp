#include "common/redact.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <cstdint>
#include <cstring>
#include <set>
#include <unordered_map>

#include <fmt/format.h>

#include "common/digest.h"

namespace hivemind {
namespace {

using Forms = std::set<std::string>;

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20;
}

enum class Html { kPlain, kEscaped };  // Go's JSON escapes '<', '>' and '&' as well

std::string json_escaped(std::string_view value, Html html) {
  std::string text;
  for (const char c : value) {
    switch (c) {
      case '"':
      case '\\':
        text += {'\\', c};
        continue;
      case '\n':
        text += "\\n";
        continue;
      case '\r':
        text += "\\r";
        continue;
      case '\t':
        text += "\\t";
        continue;
      default:
        break;
    }
    const bool is_html = c == '<' || c == '>' || c == '&';
    if (is_control(c) || (is_html && html == Html::kEscaped)) {
      text += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      text += c;
    }
  }
  return text;
}

enum class Space { kPercent, kPlus };
enum class Case { kUpper, kLower };

std::string url_encoded(std::string_view value, Space space, Case digits) {
  std::string text;
  for (const char c : value) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (is_letter || c == '-' || c == '_' || c == '.' || c == '~') {
      text += c;
    } else if (c == ' ' && space == Space::kPlus) {
      text += '+';
    } else {
      const auto byte = static_cast<unsigned char>(c);
      text += digits == Case::kUpper ? fmt::format("%{:02X}", byte) : fmt::format("%{:02x}", byte);
    }
  }
  return text;
}

// The characters that say the value and nothing else, when so many bytes of something else stand before it.
std::string base64_at(std::string_view value, std::size_t before) {
  const std::string text = to_base64(std::string(before, '\0') + std::string(value));
  const std::size_t first = (before * 8 + 5) / 6, end = (before + value.size()) * 8 / 6;
  return text.substr(first, end - first);
}

std::string base64_of_urls(std::string text) {
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  return text;
}

void add_escaped(std::string_view value, Forms& forms) {
  forms.emplace(value);
  const std::string json = json_escaped(value, Html::kPlain);
  forms.insert(json);
  forms.insert(json_escaped(value, Html::kEscaped));
  forms.insert(json_escaped(json, Html::kPlain));  // an answer of the engine inside of an answer of ours
  for (const Space space : {Space::kPercent, Space::kPlus}) {
    for (const Case digits : {Case::kUpper, Case::kLower}) forms.insert(url_encoded(value, space, digits));
  }
}

void add_base64(std::string_view value, Forms& forms) {
  for (std::size_t before = 0; before < 3; ++before) {
    std::string text = base64_at(value, before);
    forms.insert(base64_of_urls(text));
    forms.insert(std::move(text));
  }
}

std::string_view without_line_end(std::string_view value) {
  while (!value.empty() && (value.back() == '\n' || value.back() == '\r')) value.remove_suffix(1);
  return value;
}

void add_lines(std::string_view value, Forms& forms) {
  while (!value.empty()) {
    const std::size_t length = std::min(value.find('\n'), value.size());
    const std::string_view line = without_line_end(value.substr(0, length));
    if (line.size() >= Redactor::kMinRedactedLine) add_escaped(line, forms);
    value.remove_prefix(std::min(value.size(), length + 1));
  }
}

void add_forms(std::string_view whole, Forms& forms) {
  const std::string_view value = without_line_end(whole);
  if (value.size() < Redactor::kMinRedacted) return;
  add_escaped(value, forms);
  add_base64(value, forms);
  if (value.find('\n') != std::string_view::npos) add_lines(value, forms);
}

std::uint32_t first_four(const char* at) {
  std::uint32_t bytes = 0;
  std::memcpy(&bytes, at, sizeof bytes);
  return bytes;
}
static_assert(Redactor::kMinRedacted >= sizeof(std::uint32_t));

}  // namespace

// Found by their first four bytes, which a small filter rules out for nearly every place of a text.
class Redactor::Patterns {
 public:
  explicit Patterns(const Forms& forms) {
    for (const std::string& form : forms) {
      if (form.size() < kMinRedacted) continue;
      const std::uint32_t start = first_four(form.data());
      filter_.set(slot(start));
      by_start_[start].push_back(form);
    }
    for (auto& [start, all] : by_start_)
      std::ranges::sort(all, std::ranges::greater(), [](const std::string& form) { return form.size(); });
  }

  // Bytes of the longest one that the text begins with; 0: none.
  std::size_t match(std::string_view text) const {
    const std::uint32_t start = first_four(text.data());
    if (!filter_.test(slot(start))) return 0;
    const auto found = by_start_.find(start);
    if (found == by_start_.end()) return 0;
    const auto longest =
        std::ranges::find_if(found->second, [&](const std::string& form) { return text.starts_with(form); });
    return longest == found->second.end() ? 0 : longest->size();
  }

 private:
  static std::size_t slot(std::uint32_t start) { return (start * 2654435761u) >> 16; }

  std::bitset<1u << 16> filter_;
  std::unordered_map<std::uint32_t, std::vector<std::string>> by_start_;  // longest first
};

void Redactor::learn(const std::vector<std::string>& values) {
  Forms forms;
  for (const std::string& value : values) add_forms(value, forms);
  auto patterns = forms.empty() ? nullptr : std::make_shared<const Patterns>(forms);
  const std::lock_guard lock(mutex_);
  patterns_ = std::move(patterns);
}

std::shared_ptr<const Redactor::Patterns> Redactor::patterns() const {
  const std::lock_guard lock(mutex_);
  return patterns_;
}

std::string Redactor::redact(std::string_view text) const {
  std::string copy(text);
  redact(&copy);
  return copy;
}

bool Redactor::redact(std::string* text) const {
  const auto patterns = this->patterns();
  if (!patterns) return false;
  const std::string_view all = *text;
  std::string result;
  std::size_t done = 0;  // up to where the text has been copied or taken out
  for (std::size_t at = 0; at + kMinRedacted <= all.size(); ++at) {
    const std::size_t length = patterns->match(all.substr(at));
    if (length == 0) continue;
    if (at > done || result.empty()) {
      result += all.substr(done, at - done);
      result += kMark;
    }
    done = std::max(done, at + length);
  }
  if (result.empty()) return false;
  result += all.substr(done);
  *text = std::move(result);
  return true;
}

}  // namespace hivemind
