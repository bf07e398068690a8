#include "common/sealing.h"

#include <algorithm>

#include <sodium.h>

#include "common/digest.h"
#include "common/error.h"
#include "common/private_file.h"
#include "common/text.h"

namespace hivemind {
namespace {

constexpr std::string_view kKeyPrefix = "hivemind-x25519 ";
constexpr std::string_view kSecretPrefix = "hivemind-x25519-secret ";
static_assert(crypto_box_PUBLICKEYBYTES == 32 && crypto_box_SECRETKEYBYTES == 32);

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

void require_sodium() {
  if (sodium_init() < 0) throw Error(ErrorCode::kInternal, "libsodium cannot be initialised");
}

}  // namespace

SealKey SealKey::parse(std::string_view text) {
  text = trimmed(text);
  if (!text.starts_with(kKeyPrefix)) {
    throw Error(ErrorCode::kInvalid, "not a sealing key (expected '{}' and 44 characters of Base64)",
                kKeyPrefix);
  }
  const std::string bytes = from_base64(text.substr(kKeyPrefix.size()));
  SealKey key;
  if (bytes.size() != key.bytes_.size()) {
    throw Error(ErrorCode::kInvalid, "not a sealing key (expected {} bytes, found {})", key.bytes_.size(),
                bytes.size());
  }
  std::copy(bytes.begin(), bytes.end(), key.bytes_.begin());
  if (!key.is_usable()) throw Error(ErrorCode::kInvalid, "a sealing key that nothing can be sealed to");
  return key;
}

// RFC 7748, 6.1: of a point of low order every product is zero, whoever multiplies. Sealing to it would fail.
bool SealKey::is_usable() const {
  require_sodium();
  std::array<unsigned char, crypto_scalarmult_SCALARBYTES> any{};
  any.back() = 1;
  std::array<unsigned char, crypto_scalarmult_BYTES> product{};
  return crypto_scalarmult(product.data(), any.data(), bytes_.data()) == 0;
}

std::string SealKey::text() const {
  return fmt::format("{}{}", kKeyPrefix,
                     to_base64({reinterpret_cast<const char*>(bytes_.data()), bytes_.size()}));
}

std::string SealKey::seal(std::string_view content) const {
  require_sodium();
  std::string sealed(content.size() + crypto_box_SEALBYTES, '\0');
  // Fails for a key of low order only, which parse() does not let in.
  if (crypto_box_seal(reinterpret_cast<unsigned char*>(sealed.data()), bytes_of(content), content.size(),
                      bytes_.data()) != 0) {
    throw Error(ErrorCode::kInvalid, "sealing key '{}' is none that could open anything", text());
  }
  return sealed;
}

OpenKey OpenKey::generate() {
  require_sodium();
  OpenKey key;
  crypto_box_keypair(key.seal_key_.bytes_.data(), key.secret_.data());
  return key;
}

OpenKey OpenKey::from_seed(std::string_view seed) {
  require_sodium();
  if (seed.size() != crypto_box_SEEDBYTES) {
    throw Error(ErrorCode::kInvalid, "a seed of {} bytes (expected {})", seed.size(), crypto_box_SEEDBYTES);
  }
  OpenKey key;
  crypto_box_seed_keypair(key.seal_key_.bytes_.data(), key.secret_.data(), bytes_of(seed));
  return key;
}

OpenKey OpenKey::load(const std::filesystem::path& file) {
  const SecretText content = read_private_file(file, "sealing key");
  const std::string_view text = trimmed(content.text());
  std::string bytes;
  try {
    if (text.starts_with(kSecretPrefix)) bytes = from_base64(text.substr(kSecretPrefix.size()));
  } catch (const Error&) {
    bytes.clear();  // never quote what may be a key
  }
  OpenKey key;
  if (bytes.size() != key.secret_.size())
    throw Error(ErrorCode::kCorrupt, "'{}' holds no sealing key", file.string());
  std::copy(bytes.begin(), bytes.end(), key.secret_.begin());
  crypto_scalarmult_base(key.seal_key_.bytes_.data(), key.secret_.data());
  sodium_memzero(bytes.data(), bytes.size());
  return key;
}

OpenKey::OpenKey(OpenKey&& other) noexcept : seal_key_(other.seal_key_), secret_(other.secret_) {
  sodium_memzero(other.secret_.data(), other.secret_.size());
}

OpenKey::~OpenKey() {
  sodium_memzero(secret_.data(), secret_.size());
}

std::string OpenKey::secret_text() const {
  return fmt::format("{}{}\n", kSecretPrefix,
                     to_base64({reinterpret_cast<const char*>(secret_.data()), secret_.size()}));
}

std::string OpenKey::open(std::string_view sealed) const {
  if (sealed.size() < crypto_box_SEALBYTES)
    throw Error(ErrorCode::kDenied, "{} bytes are nothing sealed (damaged)", sealed.size());
  std::string content(sealed.size() - crypto_box_SEALBYTES, '\0');
  if (crypto_box_seal_open(reinterpret_cast<unsigned char*>(content.data()), bytes_of(sealed), sealed.size(),
                           seal_key_.bytes_.data(), secret_.data()) != 0) {
    throw Error(ErrorCode::kDenied, "it was sealed to another key than '{}', or is damaged",
                seal_key_.text());
  }
  return content;
}

}  // namespace hivemind
