#include "common/envelope.h"

#include <algorithm>

#include <sodium.h>

#include "common/digest.h"
#include "common/error.h"
#include "common/file.h"
#include "common/text.h"
#include "hivemind/v1/envelope.pb.h"

namespace hivemind {
namespace {

constexpr std::string_view kKeyPrefix = "hivemind-ed25519 ";
constexpr std::string_view kDomain = "hivemind/v1";
constexpr std::string_view kSuccession = "succession";

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

std::string succession_bytes(const VerifyKey& key) {
  return signed_bytes(kSuccession, key.bytes());
}

v1::Envelope parsed(std::string_view bytes) {
  v1::Envelope envelope;
  if (!envelope.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    throw Error(ErrorCode::kCorrupt, "{} bytes are no envelope (truncated or damaged)", bytes.size());
  }
  return envelope;
}

bool is_signed_by(const VerifyKey& key, const v1::Envelope& envelope) {
  return key.verify(signed_bytes(envelope.kind(), envelope.payload()), envelope.signature());
}

// Of the links that an envelope carries, those behind the trusted key; where it is among none of them, it can
// only be the one before the first.
int first_link_behind(const VerifyKey& trusted, const v1::Envelope& envelope) {
  for (int i = envelope.successions_size(); i > 0; --i) {
    if (envelope.successions(i - 1).public_key() == trusted.bytes()) return i;
  }
  return 0;
}

}  // namespace

VerifyKey VerifyKey::parse(std::string_view text) {
  text = trimmed(text);
  if (!text.starts_with(kKeyPrefix)) {
    throw Error(ErrorCode::kInvalid, "not a hub key (expected '{}' and 44 characters of Base64)", kKeyPrefix);
  }
  return from_bytes(from_base64(text.substr(kKeyPrefix.size())));
}

VerifyKey VerifyKey::from_bytes(std::string_view bytes) {
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
  return fmt::format("{}{}\n", kKeyPrefix, to_base64(bytes()));
}

std::string VerifyKey::id() const {
  return sha256_hex(bytes()).substr(0, 16);
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

SigningKey SigningKey::parse(std::string_view secret_text) {
  std::string bytes;
  try {
    bytes = from_base64(trimmed(secret_text));
  } catch (const Error&) {
    bytes.clear();
  }
  SigningKey key;
  if (bytes.size() != key.secret_.size()) throw Error(ErrorCode::kCorrupt, "this is no signing key");
  std::copy(bytes.begin(), bytes.end(), key.secret_.begin());
  crypto_sign_ed25519_sk_to_pk(key.verify_key_.bytes_.data(), key.secret_.data());
  sodium_memzero(bytes.data(), bytes.size());
  return key;
}

std::string SigningKey::secret_text() const {
  return to_base64({reinterpret_cast<const char*>(secret_.data()), secret_.size()}) + "\n";
}

SigningKey::SigningKey(SigningKey&& other) noexcept : secret_(other.secret_), verify_key_(other.verify_key_) {
  sodium_memzero(other.secret_.data(), other.secret_.size());
}

SigningKey& SigningKey::operator=(SigningKey&& other) noexcept {
  if (this == &other) return *this;
  secret_ = other.secret_;
  verify_key_ = other.verify_key_;
  sodium_memzero(other.secret_.data(), other.secret_.size());
  return *this;
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

Succession succeed(const SigningKey& before, const VerifyKey& after) {
  return {after, before.sign(succession_bytes(after))};
}

std::string seal_envelope(const SigningKey& key, std::string_view kind, std::string_view payload,
                          const Successions& successions) {
  v1::Envelope envelope;
  envelope.set_key_id(key.verify_key().id());
  envelope.set_kind(std::string(kind));
  envelope.set_payload(std::string(payload));
  envelope.set_signature(key.sign(signed_bytes(kind, payload)));
  const std::size_t kept = std::min(successions.size(), kMaxSuccessions);
  for (auto one = successions.end() - static_cast<std::ptrdiff_t>(kept); one != successions.end(); ++one) {
    v1::Succession& link = *envelope.add_successions();
    link.set_public_key(std::string(one->key.bytes()));
    link.set_signature(one->signature);
  }
  return envelope.SerializeAsString();
}

std::string open_envelope(const VerifyKey& key, std::string_view kind, std::string_view bytes) {
  v1::Envelope envelope = parsed(bytes);
  if (envelope.key_id() != key.id()) {
    throw Error(
        ErrorCode::kDenied,
        "signed by key '{}', this node trusts '{}' (give the node the hub's hub.pub; or, where the hub "
        "was restored from a backup of before a rotation, the hub its newest signing.key)",
        envelope.key_id(), key.id());
  }
  if (envelope.kind() != kind) {
    throw Error(ErrorCode::kDenied, "expected a '{}', found a '{}'", kind, envelope.kind());
  }
  if (!is_signed_by(key, envelope)) {
    throw Error(ErrorCode::kDenied, "the signature does not match the content");
  }
  return std::move(*envelope.mutable_payload());
}

// What is serialized one behind the other is read as one message.
std::string stamped(std::string envelope, std::string_view stamp) {
  v1::Envelope more;
  more.set_stamp(std::string(stamp));
  return std::move(envelope) + more.SerializeAsString();
}

std::string stamp_of(std::string_view bytes) {
  return std::move(*parsed(bytes).mutable_stamp());
}

std::string unverified_payload(std::string_view bytes) {
  return std::move(*parsed(bytes).mutable_payload());
}

bool is_sealed_by(const VerifyKey& key, std::string_view kind, std::string_view bytes) {
  v1::Envelope envelope;
  return envelope.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) && envelope.kind() == kind &&
         envelope.key_id() == key.id() && is_signed_by(key, envelope);
}

std::vector<VerifyKey> successors(const VerifyKey& trusted, std::string_view kind, std::string_view bytes) {
  v1::Envelope envelope;
  const bool is_envelope = envelope.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  const auto links = static_cast<std::size_t>(envelope.successions_size());
  if (!is_envelope || links > kMaxSuccessions || envelope.kind() != kind) return {};
  std::vector<VerifyKey> keys;
  for (int i = first_link_behind(trusted, envelope); i < envelope.successions_size(); ++i) {
    const v1::Succession& link = envelope.successions(i);
    if (link.public_key().size() != VerifyKey::kBytes) return {};
    const VerifyKey next = VerifyKey::from_bytes(link.public_key());
    const VerifyKey& before = keys.empty() ? trusted : keys.back();
    if (!before.verify(succession_bytes(next), link.signature())) return {};
    keys.push_back(next);
  }
  if (keys.empty() || keys.back().id() != envelope.key_id()) return {};
  return is_signed_by(keys.back(), envelope) ? keys : std::vector<VerifyKey>{};
}

std::string Signer::seal(std::string_view kind, std::string_view payload) const {
  return seal_envelope(key_, kind, payload, successions_);
}

}  // namespace hivemind
