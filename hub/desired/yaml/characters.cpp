#include "hub/desired/yaml/characters.h"

#include <cstdint>
#include <optional>

#include <fmt/format.h>

namespace hivemind::hub::yaml {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

struct Character {
  std::uint32_t code = 0;
  std::size_t length = 1;
};

std::size_t sequence_length(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first < 0xE0) return 2;
  if (first >= 0xE0 && first < 0xF0) return 3;
  if (first >= 0xF0 && first < 0xF5) return 4;
  return 0;
}

std::uint32_t smallest_code(std::size_t length) {
  constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  return kSmallest[length];
}

// The character at the start, or nothing when the bytes there are not UTF-8 (RFC 3629).
std::optional<Character> decode(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t length = sequence_length(first);
  if (length == 1) return Character{first, 1};
  if (length == 0 || text.size() < length) return std::nullopt;
  std::uint32_t code = first & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xC0) != 0x80) return std::nullopt;
    code = (code << 6) | (next & 0x3Fu);
  }
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (code < smallest_code(length) || code > 0x10FFFF || surrogate) return std::nullopt;
  return Character{code, length};
}

bool is_allowed(std::uint32_t code) {
  if (code == '\t' || code == '\n' || code == '\r' || code == 0x85) return true;
  return code >= 0x20 && code != 0x7F && !(code > 0x7F && code < 0xA0) && code != 0xFFFE && code != 0xFFFF;
}

}  // namespace

std::string_view without_byte_order_mark(std::string_view text) {
  return text.starts_with(kByteOrderMark) ? text.substr(kByteOrderMark.size()) : text;
}

bool check_characters(std::string_view text, const std::string& file, std::string_view code,
                      Diagnostics& diagnostics) {
  Location location{file, 1, 1};
  const auto refuse = [&](std::string message, std::string remedy) {
    diagnostics.push_back({.code = std::string(code),
                           .location = location,
                           .message = std::move(message),
                           .remedy = std::move(remedy)});
    return false;
  };
  while (!text.empty()) {
    const auto character = decode(text);
    if (!character) {
      const auto byte = static_cast<unsigned char>(text.front());
      return refuse(fmt::format("byte 0x{:02x} is not UTF-8", byte), "save the file as UTF-8");
    }
    if (!is_allowed(character->code)) {
      return refuse(fmt::format("control character U+{:04X} is not allowed", character->code),
                    "remove it, or write it as an escape in double quotes");
    }
    text.remove_prefix(character->length);
    ++location.column;
    if (character->code == '\n') {
      ++location.line;
      location.column = 1;
    }
  }
  return true;
}

}  // namespace hivemind::hub::yaml
