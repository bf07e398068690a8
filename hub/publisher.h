#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "hub/delivery.h"
#include "hub/inventory/inventory.h"
#include "hub/publish/manifests.h"
#include "hub/publish/registry_logins.h"
#include "hub/secrets/secret_keeper.h"
#include "hub/store/store.h"

namespace hivemind::hub {

enum class Emptying { kHold, kAllow };

struct Acted {
  enum class Result { kDone, kHeld };
  Result result = Result::kDone;
  std::vector<std::string> published;  // nodes that got a new manifest
};

// Acts on compilations: what changes is stored in one transaction, then shown in the inventory, then sent.
// After a crash anywhere in between, load() and the delivery go on from what was stored.
//
// For the loop thread. Calls that throw (those of Store) have changed nothing.
class Publisher {
 public:
  // sealing_keys: of the nodes that are enrolled. credentials: file with the logins that nodes are given for
  // their registries, besides those that operators have set; empty: none.
  Publisher(Store& store, const Signer& signer, Inventory& inventory, Delivery& delivery,
            SecretKeeper& secrets, SealingKeys sealing_keys, std::filesystem::path credentials = {})
      : store_(store),
        signer_(signer),
        inventory_(inventory),
        delivery_(delivery),
        secrets_(secrets),
        sealing_keys_(std::move(sealing_keys)),
        credentials_(std::move(credentials)) {}

  // What the store remembers, at the start.
  void load();

  Acted act_on(const Compilation& compilation, Emptying emptying, std::int64_t now_ms);

  // The node is none any more: it has no manifest, until it is one again. Its numbers go on.
  void withdraw(const std::string& node);

  // A manifest of this generation was seen or claimed that this hub does not remember. Nodes would refuse
  // anything that is not above it. False when it is nothing new or cannot be right.
  bool note_generation(const std::string& node, std::uint64_t generation);
  // Another manifest of the node's newest generation was seen. False when it is nothing new.
  bool note_double(const std::string& node);
  // Numbers the manifests of such nodes above it.
  std::vector<std::string> reissue(std::int64_t now_ms);

  // The signer's key has changed since the manifests were made, in this run or an earlier one.
  bool is_outdated() const { return outdated_; }
  void note_new_key() { outdated_ = true; }
  // Makes all of them anew, as they are, with the next generation and the key of now.
  std::vector<std::string> sign_anew(std::int64_t now_ms);

 private:
  NewManifest issue(const std::string& node, const NodeReleases& releases, const std::string& revision,
                    std::int64_t now_ms) const;
  bool is_due(const std::string& node, const NodeReleases& wanted,
              const std::set<std::string>& changed_registries) const;
  std::vector<v1::SealedSecret> secrets_for(const std::string& node, const NodeReleases& releases,
                                            const SealKey& key) const;
  v1::Manifest former(const std::string& node) const;
  void add_values(const std::set<ReleasePtr>& releases, RevisionChange& change, SecretValues& values) const;
  void keep_values(const SecretValues& values);
  void read_logins();
  std::vector<v1::RegistryLogin> logins_for(const std::string& node, const NodeReleases& releases) const;
  bool is_revoked(const std::string& node) const;
  std::uint64_t next_generation(const std::string& node) const;
  std::vector<std::string> issue_again(const std::vector<std::string>& nodes, std::int64_t now_ms);
  void show(const NewManifest& manifest, const NodeReleases& releases);

  Store& store_;
  const Signer& signer_;
  Inventory& inventory_;
  Delivery& delivery_;
  SecretKeeper& secrets_;
  SealingKeys sealing_keys_;
  std::map<std::string, std::string> sealed_to_;  // the key that each node's newest manifest was sealed to
  std::filesystem::path credentials_;
  RegistryLogins logins_;                       // as last read
  bool logins_read_ = false;                    // until then the manifests keep those that they have
  std::string logins_failure_;                  // so that it is logged once
  FleetReleases releases_;                      // of every node that has a manifest
  std::map<std::string, std::uint64_t> above_;  // generations seen elsewhere
  std::set<std::string> behind_;                // nodes whose manifest must be numbered anew
  bool outdated_ = false;
};

}  // namespace hivemind::hub
