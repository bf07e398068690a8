#include "common/text.h"

#include <fmt/format.h>

namespace hivemind {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::string one_line(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '\n') {
      line += "\\n";
    } else if (c == '\t' || (code >= 0x20 && code != 0x7f)) {
      line += c;
    } else {
      line += fmt::format("\\x{:02x}", code);
    }
  }
  return line;
}

}  // namespace hivemind
