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
  // credentials: file with the logins that nodes are given for their registries; empty: none.
  Publisher(Store& store, const SigningKey& key, Inventory& inventory, Delivery& delivery,
            std::filesystem::path credentials = {})
      : store_(store),
        key_(key),
        inventory_(inventory),
        delivery_(delivery),
        credentials_(std::move(credentials)) {}

  // What the store remembers, at the start.
  void load();

  Acted act_on(const Compilation& compilation, Emptying emptying, std::int64_t now_ms);

  // A manifest of this generation was seen that this hub does not remember, after a restored backup for
  // instance. Nodes would refuse anything that is not above it. False when it is nothing new or cannot be
  // right.
  bool note_generation(const std::string& node, std::uint64_t generation);
  // Numbers the manifests of such nodes above it.
  std::vector<std::string> reissue(std::int64_t now_ms);

 private:
  NewManifest issue(const std::string& node, const NodeReleases& releases, const std::string& revision,
                    std::int64_t now_ms) const;
  void read_logins();
  std::vector<v1::RegistryLogin> logins_for(const std::string& node, const NodeReleases& releases) const;
  std::uint64_t next_generation(const std::string& node) const;
  void show(const NewManifest& manifest, const NodeReleases& releases);

  Store& store_;
  const SigningKey& key_;
  Inventory& inventory_;
  Delivery& delivery_;
  std::filesystem::path credentials_;
  RegistryLogins logins_;                       // as last read
  bool logins_read_ = false;                    // until then the manifests keep those that they have
  std::string logins_failure_;                  // so that it is logged once
  FleetReleases releases_;                      // of every node that has a manifest
  std::map<std::string, std::uint64_t> above_;  // generations seen elsewhere
  std::set<std::string> behind_;                // nodes whose manifest must be numbered anew
};

}  // namespace hivemind::hub
