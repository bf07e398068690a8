#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "common/sealing.h"
#include "hub/publish/manifests.h"
#include "hub/registry/credentials.h"

namespace hivemind::hub {

// Where the images of these releases come from; canonical names.
std::set<std::string> registries_of(const NodeReleases& releases);

// The logins that nodes need to pull their images. Pure.
class RegistryLogins {
 public:
  RegistryLogins() = default;
  explicit RegistryLogins(registry::Credentials credentials) : credentials_(std::move(credentials)) {}

  // Of the registries that these releases use, sorted.
  std::vector<v1::RegistryLogin> used_by(const NodeReleases& releases) const;

  // Tells one set of logins from another, registry by registry, and shows none of them. keyed: a digest that
  // nobody else can make, so that no password can be guessed by it.
  using Digest = std::function<std::string(std::string_view text)>;
  std::string fingerprint(const Digest& keyed) const;

 private:
  registry::Credentials credentials_;
};

// The same for one node alone: user and passwords as one sealed box.
std::vector<v1::RegistryLogin> sealed_to(const SealKey& key, std::vector<v1::RegistryLogin> logins);

// Registries whose logins differ between two fingerprints.
std::set<std::string> changed_registries(const std::string& before, const std::string& after);

}  // namespace hivemind::hub
