#pragma once

#include <string>
#include <string_view>

#include "common/sealing.h"
#include "hub/secrets/master_key.h"

namespace hivemind::hub {

// Encrypts what the hub stores, and names values without telling them. The adapter of libsodium's
// XChaCha20-Poly1305 and HMAC-SHA-256. Thread: immutable, any.
class Vault {
 public:
  explicit Vault(const MasterKey& key);
  ~Vault();
  Vault(const Vault&) = delete;
  Vault& operator=(const Vault&) = delete;

  // Never the same bytes twice. about: what it is the value of; opening it as something else fails.
  std::string close(std::string_view content, std::string_view about) const;
  // Throws kDenied for what was closed under another key, about something else, or is damaged.
  std::string open(std::string_view box, std::string_view about) const;

  // 32 hex digits, the same for the same name and value.
  std::string id(std::string_view name, std::string_view value) const;

  // The pair that values in Git are sealed to.
  const OpenKey& git_key() const { return git_key_; }

 private:
  std::string encryption_key_;
  std::string id_key_;
  OpenKey git_key_;
};

}  // namespace hivemind::hub
