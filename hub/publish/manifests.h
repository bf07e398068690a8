#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/envelope.h"
#include "common/sealing.h"
#include "hub/desired/compiler.h"
#include "hub/desired/release.h"
#include "hub/desired/secrets.h"

// From releases to manifests. Pure: what changes follows from what is desired and what was sent before.
namespace hivemind::hub {

using NodeReleases = std::map<std::string, ReleasePtr>;                  // by stack
using FleetReleases = std::map<std::string, NodeReleases, std::less<>>;  // by node

// The releases that the fleet is to run, each content once: an unchanged digest keeps the release that it
// had, with the commit in which it first appeared.
//
// keep: what each node had; a null assignment leaves it there. first_revision: of a digest that was seen at
// any earlier time. Nodes that have releases and are not in the compilation end with none.
FleetReleases settle(
    const Compilation& compilation, const FleetReleases& keep,
    const std::function<std::optional<std::string>(std::string_view digest)>& first_revision);

// There were nodes with releases, and none of them would have any.
bool empties_every_node(const FleetReleases& before, const FleetReleases& after);

bool same_content(const NodeReleases& a, const NodeReleases& b);

// A manifest's place in the row of its node's manifests.
struct Issue {
  std::string node;
  std::uint64_t generation = 0;
  std::string revision;
  std::int64_t at_ms = 0;  // Unix time
};

// The secrets that the releases need.
std::set<std::string> secret_ids_of(const NodeReleases& releases);

// Sealed to one node, sorted by id. What find() has not is left out: the node will say so. former: a manifest
// whose secrets were sealed to the same key; they are taken as they are, since sealing takes time and an id
// stands for one value.
using FindSecret = std::function<SecretPtr(std::string_view id)>;
std::vector<v1::SealedSecret> seal_secrets(const std::set<std::string>& ids, const FindSecret& find,
                                           const SealKey& key, const v1::Manifest& former);

// logins and secrets: sorted.
v1::Manifest compose_manifest(const Issue& issue, const NodeReleases& releases,
                              const std::vector<v1::RegistryLogin>& logins = {},
                              const std::vector<v1::SealedSecret>& secrets = {});

// The bytes that are published, with a stamp of the signer's. The same manifest and key always give the same
// bytes.
std::string seal_manifest(const Signer& signer, const v1::Manifest& manifest);

}  // namespace hivemind::hub
