#pragma once

#include <set>
#include <string>
#include <vector>

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

  // Tells one set of logins from another, registry by registry, and shows none of them.
  std::string fingerprint() const;

 private:
  registry::Credentials credentials_;
};

// Registries whose logins differ between two fingerprints.
std::set<std::string> changed_registries(const std::string& before, const std::string& after);

}  // namespace hivemind::hub
