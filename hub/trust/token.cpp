#include "hub/trust/token.h"

#include <algorithm>

#include <sys/stat.h>

#include "common/digest.h"
#include "common/error.h"
#include "common/file.h"

namespace hivemind::hub {
namespace {

constexpr std::size_t kTokenBytes = 32;

bool is_token(std::string_view text) {
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return text.size() == 2 * kTokenBytes && std::all_of(text.begin(), text.end(), is_hex);
}

void require_private(const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) == 0 && (status.st_mode & 077) != 0) {
    throw Error(ErrorCode::kDenied, "API token '{}' can be read by others (chmod 600 it)", file.string());
  }
}

}  // namespace

ApiToken::ApiToken(std::string_view secret) : digest_(sha256_hex(secret)) {}

ApiToken ApiToken::load_or_create(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) {
    const std::string secret = random_hex(kTokenBytes);
    write_file_durably(file, secret + "\n", 0600);
    return ApiToken(secret);
  }
  require_private(file);
  std::string secret = read_file(file);
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
  if (!is_token(secret)) {
    throw Error(ErrorCode::kCorrupt, "'{}' holds no API token (remove it to have a new one made)",
                file.string());
  }
  return ApiToken(secret);
}

// Digests have one length and cannot be steered, and every character of them is looked at.
bool ApiToken::matches(std::string_view candidate) const {
  const std::string other = sha256_hex(candidate);
  unsigned difference = 0;
  for (std::size_t i = 0; i < digest_.size(); ++i) {
    difference |= static_cast<unsigned char>(digest_[i]) ^ static_cast<unsigned char>(other[i]);
  }
  return difference == 0;
}

}  // namespace hivemind::hub
