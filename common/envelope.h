#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace hivemind {

// The public half of the hub's signing key (Ed25519, RFC 8032). A value: copies and compares.
class VerifyKey {
 public:
  static constexpr std::size_t kBytes = 32;

  // The text form, one line: "hivemind-ed25519 <Base64 of the 32 bytes>". Throws kInvalid.
  static VerifyKey parse(std::string_view text);
  // Throws kNotFound or kInvalid, naming the file.
  static VerifyKey load(const std::filesystem::path& file);
  // Throws kInvalid for another number of bytes.
  static VerifyKey from_bytes(std::string_view bytes);

  std::string text() const;
  std::string_view bytes() const { return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()}; }
  // First 16 hex digits of the SHA-256 of the key.
  std::string id() const;
  bool verify(std::string_view message, std::string_view signature) const;

  bool operator==(const VerifyKey&) const = default;

 private:
  friend class SigningKey;
  std::array<unsigned char, kBytes> bytes_{};
};

// The secret half. Not copied; wiped when it goes.
class SigningKey {
 public:
  static SigningKey generate();
  // What secret_text() gave. Throws kCorrupt, and never quotes what may be a key.
  static SigningKey parse(std::string_view secret_text);

  SigningKey(SigningKey&& other) noexcept;
  SigningKey& operator=(SigningKey&& other) noexcept;
  ~SigningKey();

  const VerifyKey& verify_key() const { return verify_key_; }
  std::string sign(std::string_view message) const;
  // For a file that only its owner can read.
  std::string secret_text() const;

 private:
  SigningKey() = default;
  std::array<unsigned char, 64> secret_{};
  VerifyKey verify_key_;
};

// A key took the place of the one before it, which says so.
struct Succession {
  VerifyKey key;
  std::string signature;  // by the key before it

  bool operator==(const Succession&) const = default;
};
using Successions = std::vector<Succession>;  // oldest first

// So many go with an envelope, the newest ones. A node that was away for more is given the hub's key anew.
inline constexpr std::size_t kMaxSuccessions = 256;

Succession succeed(const SigningKey& before, const VerifyKey& after);

inline constexpr std::string_view kManifestKind = "manifest";
inline constexpr std::string_view kCommandKind = "command";
inline constexpr std::string_view kStampKind = "stamp";

// A serialized hivemind.v1.Envelope around the payload.
std::string seal_envelope(const SigningKey& key, std::string_view kind, std::string_view payload,
                          const Successions& successions = {});

// The payload of an envelope that the key has signed. Throws kCorrupt when the bytes are no envelope, kDenied
// when the kind, the key or the signature is another one. Nothing of the payload is looked at before that.
std::string open_envelope(const VerifyKey& key, std::string_view kind, std::string_view envelope);

// The envelope with a stamp beside its payload, and the stamp of one; empty: it has none.
std::string stamped(std::string envelope, std::string_view stamp);
std::string stamp_of(std::string_view envelope);

// The payload, whoever has signed it: for a hub's own database, which may be older than its key. Throws
// kCorrupt when the bytes are no envelope.
std::string unverified_payload(std::string_view envelope);

// Whether the key has signed these bytes, as an envelope of this kind.
bool is_sealed_by(const VerifyKey& key, std::string_view kind, std::string_view envelope);

// The keys that took the place of the trusted one, newest last, as the envelope shows: each was signed by the
// one before it, the first one by the trusted one, and the last one has signed the envelope. Empty when there
// is nothing to follow, or anything of it does not hold. Nothing of the payload is looked at.
std::vector<VerifyKey> successors(const VerifyKey& trusted, std::string_view kind, std::string_view envelope);

// Who signs for a hub: its key, and how that came to be its key.
class Signer {
 public:
  explicit Signer(SigningKey key, Successions successions = {})
      : key_(std::move(key)), successions_(std::move(successions)) {}

  const SigningKey& key() const { return key_; }
  const Successions& successions() const { return successions_; }
  // An envelope that nodes can follow to this key.
  std::string seal(std::string_view kind, std::string_view payload) const;

 private:
  SigningKey key_;
  Successions successions_;
};

}  // namespace hivemind
