#include "hub/secrets/vault.h"

#include <sodium.h>

#include "common/digest.h"
#include "common/error.h"
#include "common/secret_text.h"

namespace hivemind::hub {
namespace {

constexpr std::size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr std::size_t kIdBytes = 16;
static_assert(crypto_aead_xchacha20poly1305_ietf_KEYBYTES == 32 && crypto_auth_hmacsha256_KEYBYTES == 32);

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

OpenKey sealing_key(const MasterKey& key) {
  std::string seed = key.derive(MasterKey::Purpose::kSealing);
  OpenKey pair = OpenKey::from_seed(seed);
  wipe(seed);
  return pair;
}

}  // namespace

Vault::Vault(const MasterKey& key)
    : encryption_key_(key.derive(MasterKey::Purpose::kEncryption)),
      id_key_(key.derive(MasterKey::Purpose::kIds)),
      git_key_(sealing_key(key)) {}

Vault::~Vault() {
  wipe(encryption_key_);
  wipe(id_key_);
}

std::string Vault::close(std::string_view content, std::string_view about) const {
  std::string box(kNonceBytes + content.size() + kTagBytes, '\0');
  randombytes_buf(box.data(), kNonceBytes);
  crypto_aead_xchacha20poly1305_ietf_encrypt(bytes_of(box) + kNonceBytes, nullptr, bytes_of(content),
                                             content.size(), bytes_of(about), about.size(), nullptr,
                                             bytes_of(std::string_view(box)), bytes_of(encryption_key_));
  return box;
}

std::string Vault::open(std::string_view box, std::string_view about) const {
  if (box.size() < kNonceBytes + kTagBytes)
    throw Error(ErrorCode::kDenied, "{} bytes are nothing encrypted (damaged)", box.size());
  std::string content(box.size() - kNonceBytes - kTagBytes, '\0');
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(
          bytes_of(content), nullptr, nullptr, bytes_of(box) + kNonceBytes, box.size() - kNonceBytes,
          bytes_of(about), about.size(), bytes_of(box), bytes_of(encryption_key_)) != 0) {
    throw Error(ErrorCode::kDenied, "it was encrypted under another master key, or is damaged");
  }
  return content;
}

std::string Vault::id(std::string_view name, std::string_view value) const {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, bytes_of(id_key_), id_key_.size());
  crypto_auth_hmacsha256_update(&state, bytes_of(name), name.size());
  const unsigned char zero = 0;
  crypto_auth_hmacsha256_update(&state, &zero, 1);
  crypto_auth_hmacsha256_update(&state, bytes_of(value), value.size());
  std::string digest(crypto_auth_hmacsha256_BYTES, '\0');
  crypto_auth_hmacsha256_final(&state, bytes_of(digest));
  return to_hex(std::string_view(digest).substr(0, kIdBytes));
}

}  // namespace hivemind::hub
