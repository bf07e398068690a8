#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "hub/desired/diagnostic.h"
#include "hub/desired/secrets.h"
#include "hub/desired/snapshot.h"

// secrets.yml: values in the repository, sealed to the hub's key.
namespace hivemind::hub {

inline constexpr std::string_view kSealedSecretsFile = "secrets.yml";

struct SealedSecret {
  std::string id;
  SecretPtr secret;
};
using SealedSecrets = std::map<std::string, SealedSecret, std::less<>>;  // by name

// Reads <directory>/secrets.yml; none when it is not there. A line that cannot be opened is an error at its
// place, and there is no such secret.
SealedSecrets load_sealed_secrets(const Snapshot& snapshot, std::string_view directory,
                                  const SecretBook& book, Diagnostics& diagnostics);

// All that may be asked for: the hub's own values win over those of the repository.
class KnownSecrets {
 public:
  // Both must outlive it.
  KnownSecrets(const SecretBook& book, const SealedSecrets& sealed) : book_(book), sealed_(sealed) {}

  std::optional<std::string> find(std::string_view name, std::string_view stack,
                                  const NodeIdentity& node) const;
  // Of the repository, by id; null: it is not from there.
  SecretPtr sealed(std::string_view id) const;
  const SecretBook& book() const { return book_; }

 private:
  const SecretBook& book_;
  const SealedSecrets& sealed_;
};

}  // namespace hivemind::hub
