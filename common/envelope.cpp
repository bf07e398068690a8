#include "common/envelope.h"

#include <sodium.h>
#include <sys/stat.h>

#include "common/digest.h"
#include "common/error.h"
#include "common/file.h"
#include "hivemind/v1/envelope.pb.h"

namespace hivemind {
namespace {

constexpr std::string_view kKeyPrefix = "hivemind-ed25519 ";
constexpr std::string_view kDomain = "hivemind/v1";

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// Kinds hold no NUL, so the separators make the concatenation unambiguous.
std::string signed_bytes(std::string_view kind, std::string_view payload) {
  std::string message;
  message.reserve(kDomain.size() + kind.size() + payload.size() + 2);
  message.append(kDomain).push_back('\0');
  message.append(kind).push_back('\0');
  message.append(payload);
  return message;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.remove_suffix(1);
  return text;
}

void require_private(const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) == 0 && (status.st_mode & 077) != 0) {
    throw Error(ErrorCode::kDenied, "signing key '{}' can be read by others (chmod 600 it)", file.string());
  }
}

}  // namespace

VerifyKey VerifyKey::parse(std::string_view text) {
  text = trimmed(text);
  if (!text.starts_with(kKeyPrefix)) {
    throw Error(ErrorCode::kInvalid, "not a hub key (expected '{}' and 44 characters of Base64)", kKeyPrefix);
  }
  const std::string bytes = from_base64(text.substr(kKeyPrefix.size()));
  if (bytes.size() != kBytes) {
    throw Error(ErrorCode::kInvalid, "not a hub key (expected {} bytes, found {})", kBytes, bytes.size());
  }
  VerifyKey key;
  std::copy(bytes.begin(), bytes.end(), key.bytes_.begin());
  return key;
}

VerifyKey VerifyKey::load(const std::filesystem::path& file) {
  const std::string text = read_file(file);
  try {
    return parse(text);
  } catch (const Error& error) {
    throw error.within(fmt::format("hub key '{}'", file.string()));
  }
}

std::string VerifyKey::text() const {
  return fmt::format("{}{}\n", kKeyPrefix,
                     to_base64({reinterpret_cast<const char*>(bytes_.data()), bytes_.size()}));
}

std::string VerifyKey::id() const {
  return sha256_hex({reinterpret_cast<const char*>(bytes_.data()), bytes_.size()}).substr(0, 16);
}

bool VerifyKey::verify(std::string_view message, std::string_view signature) const {
  return signature.size() == crypto_sign_BYTES &&
         crypto_sign_verify_detached(bytes_of(signature), bytes_of(message), message.size(), bytes_.data()) ==
             0;
}

SigningKey SigningKey::generate() {
  if (sodium_init() < 0) throw Error(ErrorCode::kInternal, "libsodium cannot be initialised");
  SigningKey key;
  crypto_sign_keypair(key.verify_key_.bytes_.data(), key.secret_.data());
  return key;
}

SigningKey SigningKey::load_or_create(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) {
    SigningKey key = generate();
    write_file_durably(
        file, to_base64({reinterpret_cast<const char*>(key.secret_.data()), key.secret_.size()}) + "\n",
        0600);
    return key;
  }
  require_private(file);
  std::string bytes;
  try {
    bytes = from_base64(trimmed(read_file(file)));
  } catch (const Error&) {
    bytes.clear();  // never quote what may be a key
  }
  SigningKey key;
  if (bytes.size() != key.secret_.size()) {
    throw Error(ErrorCode::kCorrupt,
                "'{}' holds no signing key (restore it from a backup, or remove it to make a new "
                "one, which every node must then be given)",
                file.string());
  }
  std::copy(bytes.begin(), bytes.end(), key.secret_.begin());
  crypto_sign_ed25519_sk_to_pk(key.verify_key_.bytes_.data(), key.secret_.data());
  sodium_memzero(bytes.data(), bytes.size());
  return key;
}

SigningKey::SigningKey(SigningKey&& other) noexcept : secret_(other.secret_), verify_key_(other.verify_key_) {
  sodium_memzero(other.secret_.data(), other.secret_.size());
}

SigningKey::~SigningKey() {
  sodium_memzero(secret_.data(), secret_.size());
}

std::string SigningKey::sign(std::string_view message) const {
  std::string signature(crypto_sign_BYTES, '\0');
  crypto_sign_detached(reinterpret_cast<unsigned char*>(signature.data()), nullptr, bytes_of(message),
                       message.size(), secret_.data());
  return signature;
}

std::string seal_envelope(const SigningKey& key, std::string_view kind, std::string_view payload) {
  v1::Envelope envelope;
  envelope.set_key_id(key.verify_key().id());
  envelope.set_kind(std::string(kind));
  envelope.set_payload(std::string(payload));
  envelope.set_signature(key.sign(signed_bytes(kind, payload)));
  return envelope.SerializeAsString();
}

std::string open_envelope(const VerifyKey& key, std::string_view kind, std::string_view bytes) {
  v1::Envelope envelope;
  if (!envelope.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    throw Error(ErrorCode::kCorrupt, "{} bytes are no envelope (truncated or damaged)", bytes.size());
  }
  if (envelope.key_id() != key.id()) {
    throw Error(ErrorCode::kDenied, "signed by key '{}', this node trusts '{}' (give it the hub's hub.pub)",
                envelope.key_id(), key.id());
  }
  if (envelope.kind() != kind) {
    throw Error(ErrorCode::kDenied, "expected a '{}', found a '{}'", kind, envelope.kind());
  }
  if (!key.verify(signed_bytes(envelope.kind(), envelope.payload()), envelope.signature())) {
    throw Error(ErrorCode::kDenied, "the signature does not match the content");
  }
  return std::move(*envelope.mutable_payload());
}

}  // namespace hivemind
