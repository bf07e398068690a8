#include "hub/enrolment/token.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/digest.h"

namespace hivemind::hub {
namespace {

constexpr std::string_view kPrefix = "hm1.";
constexpr std::size_t kIdBytes = 5;
constexpr std::size_t kSecretBytes = 16;
constexpr std::size_t kLongest = 128;

// RFC 4648, 5, without padding: it stands in a command line and in user-data without quotes.
std::string base64url(std::string_view bytes) {
  std::string text = to_base64(bytes);
  text.erase(text.find_last_not_of('=') + 1);
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  return text;
}

bool is_word(std::string_view text) {
  return !text.empty() &&
         text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
             std::string_view::npos;
}

}  // namespace

std::optional<TokenCredential> parse_credential(std::string_view text) {
  const std::size_t dot = text.find('.');
  if (text.size() > kLongest || dot == std::string_view::npos) return std::nullopt;
  const std::string_view id = text.substr(0, dot), secret = text.substr(dot + 1);
  if (!is_word(id) || !is_word(secret)) return std::nullopt;
  return TokenCredential{std::string(id), std::string(secret)};
}

std::string token_id_of(std::string_view spoken) {
  if (spoken.starts_with(kPrefix)) {
    spoken.remove_prefix(kPrefix.size());
    spoken.remove_prefix(std::min(spoken.size(), spoken.find('.')));  // the CA
    if (!spoken.empty()) spoken.remove_prefix(1);
  }
  const std::string_view id = spoken.substr(0, spoken.find('.'));
  const bool is_id =
      id.size() == 2 * kIdBytes && id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  return is_id ? std::string(id) : "";
}

TokenCredential make_credential() {
  return {random_hex(kIdBytes), base64url(random_bytes(kSecretBytes))};
}

std::string token_text(std::string_view ca_fingerprint, const TokenCredential& credential) {
  return fmt::format("{}{}.{}.{}", kPrefix, base64url(ca_fingerprint), credential.id, credential.secret);
}

}  // namespace hivemind::hub
