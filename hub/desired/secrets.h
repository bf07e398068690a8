#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "hivemind/v1/manifest.pb.h"
#include "hub/desired/fleet.h"
#include "hub/desired/secret.h"

namespace hivemind::hub {

// What a secret's value may have.
inline constexpr std::size_t kMaxSecretBytes = 512u << 10;

// [a-zA-Z0-9._-]+, at most 63: what can be a key of Compose's.
bool is_secret_name(std::string_view text);

// What stands for a value while it is compiled, and inside an engine's body until a node puts the value in.
std::string secret_placeholder(std::string_view id);
bool has_secret_placeholder(std::string_view text);
// The ids of all placeholders in the text.
std::set<std::string> placeholder_ids(std::string_view text);
// The id of a text that is one placeholder and nothing else.
std::optional<std::string> as_placeholder(std::string_view text);

// Of all that the release needs.
std::set<std::string> secret_ids(const v1::Release& release);

// What the compiler may know of secrets: which there are, by ids that say nothing of the values. A value has
// the same id for as long as it is the same.
//
// Thread: immutable, any.
class SecretBook {
 public:
  virtual ~SecretBook() = default;

  // The id of the value that counts for the stack on the node; nothing: the hub has none under this name.
  virtual std::optional<std::string> find(std::string_view name, std::string_view stack,
                                          const NodeIdentity& node) const = 0;
  // Of a value that the repository has.
  virtual std::string id(std::string_view name, std::string_view value) const = 0;
  // A line of secrets.yml. Throws kInvalid or kDenied.
  virtual SecretPtr open(std::string_view name, std::string_view sealed) const = 0;
  // An env file that SOPS has encrypted, as it was before. Throws kNotFound where there is no SOPS, else what
  // it says.
  virtual std::string decrypt_env_file(const std::string& text) const = 0;
  // Whether values can be sealed to the node.
  virtual bool reaches(std::string_view node) const = 0;
};

// Where there is no hub: whatever is asked for is taken for granted, and ids are made of names alone.
class AssumedSecrets : public SecretBook {
 public:
  std::optional<std::string> find(std::string_view name, std::string_view stack,
                                  const NodeIdentity& node) const override;
  std::string id(std::string_view name, std::string_view value) const override;
  SecretPtr open(std::string_view name, std::string_view sealed) const override;
  std::string decrypt_env_file(const std::string& text) const override;
  bool reaches(std::string_view) const override { return true; }
};

// "hm1:<Base64>" of a value sealed under its name, as it stands in secrets.yml, and the sealed bytes of it.
inline constexpr std::string_view kSealedPrefix = "hm1:";
std::string sealed_content(std::string_view name, std::string_view value);
// Throws kInvalid for what was sealed under another name.
SecretPtr secret_of(std::string_view name, std::string_view sealed_content);

}  // namespace hivemind::hub
