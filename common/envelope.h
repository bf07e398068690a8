#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <string_view>

namespace hivemind {

// The public half of the hub's signing key (Ed25519, RFC 8032). A value: copies and compares.
class VerifyKey {
 public:
  static constexpr std::size_t kBytes = 32;

  // The text form, one line: "hivemind-ed25519 <Base64 of the 32 bytes>". Throws kInvalid.
  static VerifyKey parse(std::string_view text);
  // Throws kNotFound or kInvalid, naming the file.
  static VerifyKey load(const std::filesystem::path& file);

  std::string text() const;
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
  // Reads the key, or makes one and writes it with mode 0600 (fsynced and renamed into place). Throws
  // kCorrupt for a file that holds something else, kDenied for one that others can read.
  static SigningKey load_or_create(const std::filesystem::path& file);

  SigningKey(SigningKey&& other) noexcept;
  SigningKey& operator=(SigningKey&&) = delete;
  ~SigningKey();

  const VerifyKey& verify_key() const { return verify_key_; }
  std::string sign(std::string_view message) const;

 private:
  SigningKey() = default;
  std::array<unsigned char, 64> secret_{};
  VerifyKey verify_key_;
};

inline constexpr std::string_view kManifestKind = "manifest";
inline constexpr std::string_view kCommandKind = "command";

// A serialized hivemind.v1.Envelope around the payload.
std::string seal_envelope(const SigningKey& key, std::string_view kind, std::string_view payload);

// The payload of an envelope that the key has signed. Throws kCorrupt when the bytes are no envelope, kDenied
// when the kind, the key or the signature is another one. Nothing of the payload is looked at before that.
std::string open_envelope(const VerifyKey& key, std::string_view kind, std::string_view envelope);

}  // namespace hivemind
