#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <string_view>

namespace hivemind {

// What only one reader can open: libsodium's sealed boxes (X25519, XSalsa20-Poly1305, a sender's key of its
// own for each). They hide and protect the content; they do not say who made them: what needs that stands
// inside a signed envelope.

// Where to seal to. A value.
class SealKey {
 public:
  // "hivemind-x25519 <Base64 of 32 bytes>". Throws kInvalid, also for one that nothing can be sealed to.
  static SealKey parse(std::string_view text);
  std::string text() const;
  // Never the same bytes twice; 48 bytes longer than the content.
  std::string seal(std::string_view content) const;

  bool operator==(const SealKey&) const = default;

 private:
  friend class OpenKey;
  bool is_usable() const;

  std::array<unsigned char, 32> bytes_{};
};

// The other half, which opens. Wiped when it goes.
class OpenKey {
 public:
  static OpenKey generate();
  // The same key for the same 32 bytes.
  static OpenKey from_seed(std::string_view seed);
  // Throws kDenied for a file that others can read, kCorrupt for one that holds no key.
  static OpenKey load(const std::filesystem::path& file);
  OpenKey(OpenKey&& other) noexcept;
  OpenKey& operator=(OpenKey&&) = delete;
  ~OpenKey();

  const SealKey& seal_key() const { return seal_key_; }
  // For a file, to be read by load().
  std::string secret_text() const;
  // Throws kDenied for what was not sealed to this key, or is damaged.
  std::string open(std::string_view sealed) const;

 private:
  OpenKey() = default;

  SealKey seal_key_;
  std::array<unsigned char, 32> secret_{};
};

}  // namespace hivemind
