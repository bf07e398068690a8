#include "hub/trust/token.h"

#include <algorithm>

#include "common/digest.h"
#include "common/error.h"
#include "common/file.h"
#include "common/private_file.h"
#include "common/text.h"

namespace hivemind::hub {
namespace {

constexpr std::size_t kTokenBytes = 32;

bool is_token(std::string_view text) {
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return text.size() == 2 * kTokenBytes && std::all_of(text.begin(), text.end(), is_hex);
}

}  // namespace

ApiToken::ApiToken(std::string_view secret) : digest_(sha256_hex(secret)) {}

ApiToken ApiToken::load_or_create(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) {
    const std::string secret = random_hex(kTokenBytes);
    write_file_durably(file, secret + "\n", 0600);
    return ApiToken(secret);
  }
  const SecretText content = read_private_file(file, "API token");
  const std::string_view secret = trimmed(content.text());
  if (!is_token(secret)) {
    throw Error(ErrorCode::kCorrupt, "'{}' holds no API token (remove it to have a new one made)",
                file.string());
  }
  return ApiToken(secret);
}

bool ApiToken::matches(std::string_view candidate) const {
  return same_bytes(digest_, sha256_hex(candidate));
}

}  // namespace hivemind::hub
