#include "hub/publish/manifests.h"

#include <algorithm>

#include "hivemind/v1/envelope.pb.h"

namespace hivemind::hub {
namespace {

// Gives every content one release object, so that nodes share it in memory.
class Catalogue {
 public:
  Catalogue(const std::string& revision, const FleetReleases& known,
            const std::function<std::optional<std::string>(std::string_view)>& first_revision)
      : revision_(revision), first_revision_(first_revision) {
    for (const auto& [node, releases] : known) {
      for (const auto& [stack, release] : releases)
        by_digest_.try_emplace(release->release.digest(), release);
    }
  }

  ReleasePtr take(const ReleasePtr& compiled) {
    const auto [entry, fresh] = by_digest_.try_emplace(compiled->release.digest());
    if (fresh) entry->second = with_revision(*compiled);
    return entry->second;
  }

 private:
  ReleasePtr with_revision(const CompiledRelease& compiled) {
    auto release = std::make_shared<CompiledRelease>(compiled);
    release->release.set_revision(first_revision_(compiled.release.digest()).value_or(revision_));
    return release;
  }

  const std::string& revision_;
  const std::function<std::optional<std::string>(std::string_view)>& first_revision_;
  std::map<std::string, ReleasePtr> by_digest_;
};

NodeReleases settle_node(const std::vector<Assignment>& assignments, const NodeReleases* keep,
                         Catalogue& catalogue) {
  NodeReleases releases;
  for (const Assignment& assignment : assignments) {
    if (assignment.release) {
      releases.emplace(assignment.stack, catalogue.take(assignment.release));
    } else if (keep != nullptr) {
      const auto kept = keep->find(assignment.stack);
      if (kept != keep->end()) releases.insert(*kept);
    }
  }
  return releases;
}

}  // namespace

FleetReleases settle(
    const Compilation& compilation, const FleetReleases& keep,
    const std::function<std::optional<std::string>(std::string_view digest)>& first_revision) {
  Catalogue catalogue(compilation.revision, keep, first_revision);
  FleetReleases fleet;
  for (const auto& [node, assignments] : compilation.nodes) {
    const auto kept = keep.find(node);
    fleet.emplace(node, settle_node(assignments, kept == keep.end() ? nullptr : &kept->second, catalogue));
  }
  for (const auto& [node, releases] : keep) fleet.try_emplace(node);
  return fleet;
}

bool empties_every_node(const FleetReleases& before, const FleetReleases& after) {
  const auto has_release = [](const auto& entry) { return !entry.second.empty(); };
  return std::any_of(before.begin(), before.end(), has_release) &&
         std::none_of(after.begin(), after.end(), [&](const auto& entry) {
           const auto was = before.find(entry.first);
           return was != before.end() && has_release(*was) && has_release(entry);
         });
}

bool same_content(const NodeReleases& a, const NodeReleases& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.first == y.first &&
           (x.second == y.second || x.second->release.digest() == y.second->release.digest());
  });
}

std::set<std::string> secret_ids_of(const NodeReleases& releases) {
  std::set<std::string> ids;
  for (const auto& [stack, release] : releases) ids.merge(secret_ids(release->release));
  return ids;
}

std::vector<v1::SealedSecret> seal_secrets(const std::set<std::string>& ids, const FindSecret& find,
                                           const SealKey& key, const v1::Manifest& former) {
  std::map<std::string_view, const v1::SealedSecret*> had;
  for (const v1::SealedSecret& secret : former.secrets()) had.emplace(secret.id(), &secret);
  std::vector<v1::SealedSecret> sealed;
  for (const std::string& id : ids) {
    if (const auto same = had.find(id); same != had.end()) {
      sealed.push_back(*same->second);
      continue;
    }
    const SecretPtr secret = find(id);
    if (!secret) continue;
    v1::SealedSecret& one = sealed.emplace_back();
    one.set_id(id);
    one.set_name(secret->name());
    one.set_sealed(key.seal(secret->value()));
  }
  return sealed;
}

v1::Manifest compose_manifest(const Issue& issue, const NodeReleases& releases,
                              const std::vector<v1::RegistryLogin>& logins,
                              const std::vector<v1::SealedSecret>& secrets) {
  v1::Manifest manifest;
  manifest.set_node(issue.node);
  manifest.set_generation(issue.generation);
  manifest.set_revision(issue.revision);
  manifest.set_issued_at_ms(issue.at_ms);
  Files files;
  for (const auto& [stack, release] : releases) {
    *manifest.add_releases() = release->release;
    files.insert(release->files.begin(), release->files.end());
  }
  for (const auto& [sha256, content] : files) {
    v1::File* file = manifest.add_files();
    file->set_sha256(sha256);
    file->set_content(*content);
  }
  for (const v1::RegistryLogin& login : logins) *manifest.add_registry_logins() = login;
  for (const v1::SealedSecret& secret : secrets) *manifest.add_secrets() = secret;
  return manifest;
}

// The stamp has successions as well: the hub that reads it may have been restored from before they were made.
std::string seal_manifest(const Signer& signer, const v1::Manifest& manifest) {
  v1::Stamp stamp;
  stamp.set_node(manifest.node());
  stamp.set_generation(manifest.generation());
  stamp.set_issued_at_ms(manifest.issued_at_ms());
  return stamped(signer.seal(kManifestKind, manifest.SerializeAsString()),
                 signer.seal(kStampKind, stamp.SerializeAsString()));
}

}  // namespace hivemind::hub
