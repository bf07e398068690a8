#include "hub/secrets/master_key.h"

#include <algorithm>

#include <sodium.h>

#include "common/digest.h"
#include "common/error.h"
#include "common/private_file.h"
#include "common/text.h"

namespace hivemind::hub {
namespace {

constexpr std::string_view kPrefix = "hivemind-master-key ";
constexpr std::string_view kCredential = "hivemind-master-key";
constexpr std::string_view kFile = "master.key";
constexpr char kContext[crypto_kdf_CONTEXTBYTES + 1] = "hivemind";
static_assert(crypto_kdf_KEYBYTES == 32);

}  // namespace

MasterKey MasterKey::generate() {
  if (sodium_init() < 0) throw Error(ErrorCode::kInternal, "libsodium cannot be initialised");
  MasterKey key;
  crypto_kdf_keygen(key.bytes_.data());
  return key;
}

MasterKey MasterKey::load(const std::filesystem::path& file) {
  const SecretText content = read_private_file(file, "master key");
  std::string bytes;
  try {
    const std::string_view text = trimmed(content.text());
    if (text.starts_with(kPrefix)) bytes = from_base64(text.substr(kPrefix.size()));
  } catch (const Error&) {
    bytes.clear();  // never quote what may be a key
  }
  MasterKey key;
  const bool good = bytes.size() == key.bytes_.size();
  if (good) std::copy(bytes.begin(), bytes.end(), key.bytes_.begin());
  wipe(bytes);
  if (good) return key;
  throw Error(ErrorCode::kCorrupt, "'{}' holds no master key (expected '{}' and 44 characters of Base64)",
              file.string(), kPrefix);
}

MasterKey::MasterKey(MasterKey&& other) noexcept : bytes_(other.bytes_) {
  sodium_memzero(other.bytes_.data(), other.bytes_.size());
}

MasterKey::~MasterKey() {
  sodium_memzero(bytes_.data(), bytes_.size());
}

std::string MasterKey::text() const {
  return fmt::format("{}{}\n", kPrefix,
                     to_base64({reinterpret_cast<const char*>(bytes_.data()), bytes_.size()}));
}

std::string MasterKey::derive(Purpose purpose) const {
  std::string key(32, '\0');
  crypto_kdf_derive_from_key(reinterpret_cast<unsigned char*>(key.data()), key.size(),
                             static_cast<std::uint64_t>(purpose), kContext, bytes_.data());
  return key;
}

std::filesystem::path master_key_file(const std::filesystem::path& asked_for,
                                      const std::filesystem::path& data_dir, const char* credentials_dir) {
  if (!asked_for.empty()) return asked_for;
  if (credentials_dir != nullptr) {
    std::filesystem::path credential = std::filesystem::path(credentials_dir) / kCredential;
    if (std::filesystem::exists(credential)) return credential;
  }
  return data_dir / kFile;
}

}  // namespace hivemind::hub
