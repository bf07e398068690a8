#include "hub/publisher.h"

#include <algorithm>

#include "common/digest.h"
#include "common/error.h"
#include "common/log.h"

namespace hivemind::hub {
namespace {

// No hub counts that far; it leaves room to count on.
constexpr std::uint64_t kMaxGeneration = std::uint64_t{1} << 53;

bool uses_any(const NodeReleases& releases, const std::set<std::string>& registries) {
  return !registries.empty() && std::ranges::any_of(registries_of(releases), [&](const std::string& one) {
    return registries.contains(one);
  });
}

std::map<std::string, std::string> digests_of(const NodeReleases& releases) {
  std::map<std::string, std::string> digests;
  for (const auto& [stack, release] : releases) digests.emplace(stack, release->release.digest());
  return digests;
}

}  // namespace

void Publisher::load() {
  read_logins();
  std::map<std::string, ReleasePtr> by_digest;
  for (ReleasePtr& release : store_.releases()) by_digest.emplace(release->release.digest(), release);
  std::map<std::string, NodeReleases> assigned;
  for (const StoredAssignment& assignment : store_.assignments()) {
    const auto release = by_digest.find(assignment.digest);
    if (release == by_digest.end()) {
      throw Error(ErrorCode::kCorrupt, "the hub's database lacks release '{}' of node '{}'",
                  assignment.digest, assignment.node);
    }
    assigned[assignment.node].emplace(assignment.stack, release->second);
  }
  for (const StoredManifest& manifest : store_.manifests()) {
    releases_[manifest.node] = assigned[manifest.node];
    show({manifest.node, manifest.generation, manifest.revision, {}, {}}, releases_[manifest.node]);
    delivery_.restore(manifest);
  }
}

// A file that cannot be read takes no login from a node.
void Publisher::read_logins() {
  try {
    logins_ =
        credentials_.empty() ? RegistryLogins() : RegistryLogins(registry::Credentials::load(credentials_));
    logins_read_ = true;
    logins_failure_.clear();
  } catch (const Error& error) {
    if (logins_failure_ != error.what()) log::warn("logins of registries not read: {}", error.what());
    logins_failure_ = error.what();
  }
}

// Of a file that could not be read since the hub's start, the manifest before knows as much as is known.
std::vector<v1::RegistryLogin> Publisher::logins_for(const std::string& node,
                                                     const NodeReleases& releases) const {
  if (logins_read_) return logins_.used_by(releases);
  const Node* const known = inventory_.find(node);
  if (known == nullptr || known->desired.generation == 0) return {};
  v1::Manifest former;
  former.ParseFromString(open_envelope(key_.verify_key(), kManifestKind, store_.envelope(node)));
  return {former.registry_logins().begin(), former.registry_logins().end()};
}

Acted Publisher::act_on(const Compilation& compilation, Emptying emptying, std::int64_t now_ms) {
  FleetReleases next = settle(compilation, releases_,
                              [this](std::string_view digest) { return store_.first_revision(digest); });
  if (emptying == Emptying::kHold && empties_every_node(releases_, next)) return {Acted::Result::kHeld, {}};
  read_logins();
  RevisionChange change;
  change.revision = compilation.revision;
  const std::string logins_before = store_.registry_logins();
  change.registry_logins = logins_read_ ? logins_.fingerprint() : logins_before;
  const std::set<std::string> changed = changed_registries(logins_before, change.registry_logins);
  change.pins_outdated = compilation.pins_outdated;
  std::set<ReleasePtr> releases;
  for (const auto& [node, wanted] : next) {
    const auto had = releases_.find(node);
    if (had != releases_.end() && same_content(had->second, wanted) && !uses_any(wanted, changed)) continue;
    change.manifests.push_back(issue(node, wanted, compilation.revision, now_ms));
    change.assignments.emplace(node, digests_of(wanted));
    for (const auto& [stack, release] : wanted) releases.insert(release);
  }
  change.releases.assign(releases.begin(), releases.end());
  store_.commit(change);

  Acted acted;
  for (const NewManifest& manifest : change.manifests) {
    show(manifest, next.find(manifest.node)->second);
    acted.published.push_back(manifest.node);
  }
  releases_ = std::move(next);
  for (const NewManifest& manifest : change.manifests) {
    delivery_.replace(manifest.node, manifest.generation, manifest.envelope_sha256);
  }
  return acted;
}

NewManifest Publisher::issue(const std::string& node, const NodeReleases& releases,
                             const std::string& revision, std::int64_t now_ms) const {
  NewManifest manifest{node, next_generation(node), revision, {}, {}};
  manifest.envelope = seal_manifest(key_, compose_manifest({node, manifest.generation, revision, now_ms},
                                                           releases, logins_for(node, releases)));
  manifest.envelope_sha256 = sha256_hex(manifest.envelope);
  return manifest;
}

std::uint64_t Publisher::next_generation(const std::string& node) const {
  const Node* known = inventory_.find(node);
  const auto above = above_.find(node);
  return 1 + std::max(known != nullptr ? known->desired.generation : 0,
                      above != above_.end() ? above->second : 0);
}

void Publisher::show(const NewManifest& manifest, const NodeReleases& releases) {
  Node& node = inventory_.node(manifest.node);
  node.desired = {manifest.generation, manifest.revision};
  node.stacks.clear();
  for (const auto& [stack, release] : releases) {
    node.stacks.emplace(stack, AssignedRelease{release->release.digest(), release->release.revision()});
  }
}

bool Publisher::note_generation(const std::string& node, std::uint64_t generation) {
  const Node* known = inventory_.find(node);
  if (generation >= kMaxGeneration || generation < next_generation(node)) return false;
  above_[node] = generation;
  if (known != nullptr && known->desired.generation > 0) behind_.insert(node);
  return true;
}

std::vector<std::string> Publisher::reissue(std::int64_t now_ms) {
  if (behind_.empty()) return {};
  RevisionChange change;
  change.revision = store_.acted_revision();
  change.registry_logins = store_.registry_logins();
  for (const std::string& node : behind_) {
    const Node* known = inventory_.find(node);
    if (known->desired.generation > above_[node]) continue;  // a new manifest was due anyway
    change.manifests.push_back(issue(node, releases_[node], known->desired.revision, now_ms));
  }
  store_.commit(change);
  behind_.clear();
  std::vector<std::string> reissued;
  for (const NewManifest& manifest : change.manifests) {
    show(manifest, releases_[manifest.node]);
    delivery_.replace(manifest.node, manifest.generation, manifest.envelope_sha256);
    reissued.push_back(manifest.node);
  }
  return reissued;
}

}  // namespace hivemind::hub
