#include "agent/identity/token.h"

#include <algorithm>
#include <array>
#include <optional>

#include "common/error.h"

namespace hivemind::agent {
namespace {

constexpr std::string_view kPrefix = "hm1.";
constexpr std::size_t kFingerprintLetters = 43;  // of 32 bytes
constexpr std::size_t kLongest = 256;

std::optional<unsigned> value_of(char c) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const std::size_t at = kLetters.find(c);
  if (at == std::string_view::npos) return std::nullopt;
  return static_cast<unsigned>(at);
}

// Hex of the bytes that 43 letters of base64url stand for; nothing when they do not, or when bits that stand
// for nothing are set: one fingerprint has one text.
std::optional<std::string> hex_of(std::string_view letters) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  if (letters.size() != kFingerprintLetters) return std::nullopt;
  std::string hex;
  unsigned bits = 0;
  int have = 0;
  for (const char c : letters) {
    const auto value = value_of(c);
    if (!value) return std::nullopt;
    bits = bits << 6 | *value;
    for (have += 6; have >= 4; have -= 4) hex += kDigits[bits >> (have - 4) & 15u];
  }
  return (bits & ((1u << have) - 1)) == 0 ? std::optional(hex) : std::nullopt;
}

bool is_word(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return value_of(c).has_value(); });
}

}  // namespace

EnrolmentToken EnrolmentToken::parse(std::string_view text) {
  const auto refuse = [] {
    return Error(ErrorCode::kInvalid,
                 "this is no enrolment token (copy the whole of 'hm1.…' that 'hivemind node token create' "
                 "has printed)");
  };
  if (!text.starts_with(kPrefix) || text.size() > kLongest) throw refuse();
  text.remove_prefix(kPrefix.size());
  const std::size_t first = text.find('.');
  const std::size_t second = text.find('.', std::min(first, text.size() - 1) + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) throw refuse();
  const auto fingerprint = hex_of(text.substr(0, first));
  const std::string_view id = text.substr(first + 1, second - first - 1);
  const std::string_view secret = text.substr(second + 1);
  if (!fingerprint || !is_word(id) || !is_word(secret)) throw refuse();
  return {*fingerprint, std::string(id), std::string(secret)};
}

}  // namespace hivemind::agent
