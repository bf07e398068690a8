#include "hub/publisher.h"

#include <algorithm>

#include "common/digest.h"
#include "common/error.h"
#include "common/log.h"

namespace hivemind::hub {
namespace {

// No hub counts that far; it leaves room to count on.
constexpr std::uint64_t kMaxGeneration = std::uint64_t{1} << 53;
constexpr std::string_view kSignedBy = "manifests_signed_by";  // id of the key

bool uses_any(const NodeReleases& releases, const std::set<std::string>& registries) {
  return !registries.empty() && std::ranges::any_of(registries_of(releases), [&](const std::string& one) {
    return registries.contains(one);
  });
}

std::vector<std::string> passwords_of(const registry::Credentials& credentials) {
  std::vector<std::string> passwords;
  for (const auto& [registry, login] : credentials.all()) {
    passwords.push_back(login.password);
    passwords.push_back(login.identity_token);
  }
  return passwords;
}

std::map<std::string, std::string> digests_of(const NodeReleases& releases) {
  std::map<std::string, std::string> digests;
  for (const auto& [stack, release] : releases) digests.emplace(stack, release->release.digest());
  return digests;
}

}  // namespace

void Publisher::load() {
  read_logins();
  sealed_to_ = store_.secrets().sealed_to();
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
    if (is_revoked(manifest.node)) {
      show({manifest.node, manifest.generation, manifest.revision, {}, {}}, {});
      delivery_.withdraw(manifest.node);
      continue;
    }
    releases_[manifest.node] = assigned[manifest.node];
    show({manifest.node, manifest.generation, manifest.revision, {}, {}, {}}, releases_[manifest.node]);
    delivery_.restore(manifest);
  }
  // A hub that ended between the rotation of its key and the signing of its manifests goes on with that. A
  // database of before there were rotations says nothing; its manifests have the first key.
  const std::optional<std::string> signed_by = store_.meta(kSignedBy);
  outdated_ = signed_by ? *signed_by != signer_.key().verify_key().id()
                        : !signer_.successions().empty() && !releases_.empty();
}

// A file that cannot be read takes no login from a node.
void Publisher::read_logins() {
  try {
    const auto of_file =
        credentials_.empty() ? registry::Credentials() : registry::Credentials::load(credentials_);
    secrets_.hide(passwords_of(of_file));
    logins_ = RegistryLogins(of_file.with(secrets_.open_logins()));
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
  const v1::Manifest manifest = former(node);
  return {manifest.registry_logins().begin(), manifest.registry_logins().end()};
}

Acted Publisher::act_on(const Compilation& compilation, Emptying emptying, std::int64_t now_ms) {
  FleetReleases next = settle(compilation, releases_,
                              [this](std::string_view digest) { return store_.first_revision(digest); });
  std::erase_if(next, [this](const auto& node) { return is_revoked(node.first); });
  if (emptying == Emptying::kHold && empties_every_node(releases_, next)) return {Acted::Result::kHeld, {}};
  read_logins();
  RevisionChange change;
  change.revision = compilation.revision;
  const std::string logins_before = store_.registry_logins();
  const auto keyed = [this](std::string_view text) { return secrets_.fingerprint(text); };
  change.registry_logins = logins_read_ ? logins_.fingerprint(keyed) : logins_before;
  const std::set<std::string> changed = changed_registries(logins_before, change.registry_logins);
  change.pins_outdated = compilation.pins_outdated;
  std::set<ReleasePtr> releases;
  for (const auto& [node, wanted] : next) {
    if (!is_due(node, wanted, changed)) continue;
    change.manifests.push_back(issue(node, wanted, compilation.revision, now_ms));
    change.assignments.emplace(node, digests_of(wanted));
    for (const auto& [stack, release] : wanted) releases.insert(release);
  }
  change.releases.assign(releases.begin(), releases.end());
  SecretValues values;
  add_values(releases, change, values);
  store_.commit(change);

  Acted acted;
  for (const NewManifest& manifest : change.manifests) {
    show(manifest, next.find(manifest.node)->second);
    acted.published.push_back(manifest.node);
  }
  releases_ = std::move(next);
  keep_values(values);
  for (const NewManifest& manifest : change.manifests) {
    delivery_.replace(manifest.node, manifest.generation, manifest.envelope_sha256);
  }
  return acted;
}

NewManifest Publisher::issue(const std::string& node, const NodeReleases& releases,
                             const std::string& revision, std::int64_t now_ms) const {
  NewManifest manifest{node, next_generation(node), revision, {}, {}, {}, now_ms};
  std::vector<v1::RegistryLogin> logins = logins_for(node, releases);
  std::vector<v1::SealedSecret> secrets;
  if (const std::optional<SealKey> key = sealing_keys_(node)) {
    manifest.sealed_to = key->text();
    if (logins_read_) logins = sealed_to(*key, std::move(logins));
    secrets = secrets_for(node, releases, *key);
  }
  manifest.envelope = seal_manifest(
      signer_, compose_manifest({node, manifest.generation, revision, now_ms}, releases, logins, secrets));
  manifest.envelope_sha256 = sha256_hex(manifest.envelope);
  return manifest;
}

// Other content, another login, or a key that what it was sent was not sealed to.
bool Publisher::is_due(const std::string& node, const NodeReleases& wanted,
                       const std::set<std::string>& changed_registries) const {
  const auto had = releases_.find(node);
  if (had == releases_.end() || !same_content(had->second, wanted)) return true;
  if (uses_any(wanted, changed_registries)) return true;
  const std::optional<SealKey> key = sealing_keys_(node);
  if (!key) return false;
  const auto sealed = sealed_to_.find(node);
  const bool same_key = sealed != sealed_to_.end() && sealed->second == key->text();
  return !same_key && (!secret_ids_of(wanted).empty() || !logins_.used_by(wanted).empty());
}

// What the repository has of secrets comes with its releases; the rest is the keeper's.
std::vector<v1::SealedSecret> Publisher::secrets_for(const std::string& node, const NodeReleases& releases,
                                                     const SealKey& key) const {
  const FindSecret find = [&](std::string_view id) -> SecretPtr {
    for (const auto& [stack, release] : releases) {
      if (const auto own = release->secrets.find(id); own != release->secrets.end()) return own->second;
    }
    return secrets_.find(id);
  };
  const std::set<std::string> ids = secret_ids_of(releases);
  const auto sealed = sealed_to_.find(node);
  const bool is_same_key = sealed != sealed_to_.end() && sealed->second == key.text();
  return seal_secrets(ids, find, key, ids.empty() || !is_same_key ? v1::Manifest() : former(node));
}

// The manifest that the node has now; without a content when it has none.
v1::Manifest Publisher::former(const std::string& node) const {
  v1::Manifest manifest;
  const Node* const known = inventory_.find(node);
  if (known != nullptr && known->desired.generation > 0)
    manifest.ParseFromString(unverified_payload(store_.envelope(node)));
  return manifest;
}

void Publisher::add_values(const std::set<ReleasePtr>& releases, RevisionChange& change,
                           SecretValues& values) const {
  for (const ReleasePtr& release : releases) {
    for (const std::string& id : secret_ids(release->release)) {
      const auto own = release->secrets.find(id);
      const SecretPtr secret = own != release->secrets.end() ? own->second : secrets_.find(id);
      if (!secret || !values.emplace(id, secret).second) continue;
      change.secret_values.push_back(secrets_.row_of(id, *secret));
    }
  }
}

void Publisher::keep_values(const SecretValues& values) {
  std::set<std::string> in_use;
  for (const auto& [node, releases] : releases_) in_use.merge(secret_ids_of(releases));
  secrets_.keep(values, in_use);
}

std::uint64_t Publisher::next_generation(const std::string& node) const {
  const Node* known = inventory_.find(node);
  const auto above = above_.find(node);
  return 1 + std::max(known != nullptr ? known->desired.generation : 0,
                      above != above_.end() ? above->second : 0);
}

bool Publisher::is_revoked(const std::string& node) const {
  const Node* known = inventory_.find(node);
  return known != nullptr && known->membership == Membership::kRevoked;
}

void Publisher::withdraw(const std::string& node) {
  releases_.erase(node);
  behind_.erase(node);
  inventory_.node(node).stacks.clear();
  delivery_.withdraw(node);
}

void Publisher::show(const NewManifest& manifest, const NodeReleases& releases) {
  if (!manifest.envelope.empty()) sealed_to_.insert_or_assign(manifest.node, manifest.sealed_to);
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
  if (known != nullptr && known->desired.generation > 0 && !is_revoked(node)) behind_.insert(node);
  return true;
}

bool Publisher::note_double(const std::string& node) {
  const Node* known = inventory_.find(node);
  if (known == nullptr || known->desired.generation == 0 || is_revoked(node)) return false;
  std::uint64_t& above = above_[node];
  if (above >= known->desired.generation) return false;
  above = known->desired.generation;
  behind_.insert(node);
  return true;
}

std::vector<std::string> Publisher::reissue(std::int64_t now_ms) {
  std::vector<std::string> nodes;
  for (const std::string& node : behind_) {
    const bool is_above = inventory_.find(node)->desired.generation > above_[node];
    if (!is_above) nodes.push_back(node);  // else a new manifest was due anyway
  }
  std::vector<std::string> reissued = issue_again(nodes, now_ms);
  behind_.clear();
  return reissued;
}

std::vector<std::string> Publisher::sign_anew(std::int64_t now_ms) {
  std::vector<std::string> nodes;
  for (const auto& [node, releases] : releases_) nodes.push_back(node);
  std::vector<std::string> signed_anew = issue_again(nodes, now_ms);
  store_.set_meta(kSignedBy, signer_.key().verify_key().id());
  outdated_ = false;
  return signed_anew;
}

std::vector<std::string> Publisher::issue_again(const std::vector<std::string>& nodes, std::int64_t now_ms) {
  if (nodes.empty()) return {};
  RevisionChange change;
  change.revision = store_.acted_revision();
  change.registry_logins = store_.registry_logins();
  for (const std::string& node : nodes)
    change.manifests.push_back(issue(node, releases_[node], inventory_.find(node)->desired.revision, now_ms));
  store_.commit(change);
  for (const NewManifest& manifest : change.manifests) {
    show(manifest, releases_[manifest.node]);
    delivery_.replace(manifest.node, manifest.generation, manifest.envelope_sha256);
  }
  return nodes;
}

}  // namespace hivemind::hub
