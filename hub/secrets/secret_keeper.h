#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/redact.h"
#include "hub/desired/secrets.h"
#include "hub/registry/credentials.h"
#include "hub/secrets/scope.h"
#include "hub/secrets/sops.h"
#include "hub/secrets/vault.h"
#include "hub/store/store.h"

namespace hivemind::hub {

struct SecretSummary {
  std::string name;
  SecretScope scope;
  std::int64_t updated_at_ms = 0;
};

struct LoginSummary {
  std::string registry;
  std::string username;
  std::int64_t updated_at_ms = 0;
};

// Opens the master key of a data directory: made at the first start. Throws for one that is missing although
// something was encrypted under it, or that is another one; nothing is changed then.
MasterKey open_master_key(const std::filesystem::path& file, Store& store);

// Where nodes' values are sealed to; nothing for one that is not enrolled.
using SealingKeys = std::function<std::optional<SealKey>(const std::string& node)>;

// All secrets of the hub: keeps them encrypted in the store and open in memory, hands out ids to the compiler
// and values to the publisher, and tells the redactor what must not be shown.
//
// For the loop thread. Calls that throw (those of Store) have changed nothing.
class SecretKeeper {
 public:
  // All but the key must outlive it.
  SecretKeeper(Store& store, const MasterKey& key, Redactor& redactor);

  // Throws kInvalid for a name or value that cannot be one. False: it is that already.
  bool set(const std::string& name, const SecretScope& scope, const std::string& value, std::int64_t now_ms);
  bool remove(const std::string& name, const SecretScope& scope);           // false: there was none
  const std::vector<SecretSummary>& secrets() const { return summaries_; }  // by name, then scope

  void set_login(const std::string& registry, const registry::Login& login, std::int64_t now_ms);
  bool remove_login(const std::string& registry);
  std::vector<LoginSummary> logins() const;
  const std::map<std::string, registry::Login>& open_logins() const { return logins_; }
  // Of one registry, by its canonical name. On any thread.
  std::optional<registry::Login> login(const std::string& registry) const;

  // As they are now, for one compilation. reached: the nodes that values can be sealed to.
  std::shared_ptr<const SecretBook> book(std::set<std::string, std::less<>> reached) const;

  // Null: it is none of the hub's, nor of a release that nodes are assigned to.
  SecretPtr find(std::string_view id) const;
  // Of a release that is about to be stored: what is not there yet, encrypted.
  SecretValueRow row_of(const std::string& id, const Secret& secret) const;
  // Stored along with releases; what no release uses any more is forgotten.
  void keep(const SecretValues& stored, const std::set<std::string>& in_use);

  // Says the same for the same text, and nothing of the text.
  std::string fingerprint(std::string_view text) const { return vault_->id("fingerprint", text); }
  std::string git_key() const { return vault_->git_key().seal_key().text(); }

  // Further values that must not be shown, such as the passwords of a file.
  void hide(std::vector<std::string> others);

 private:
  class Book;
  struct Entry {
    std::vector<SecretScope> scopes;
    std::vector<std::string> ids;  // of the same index
  };
  using Entries = std::map<std::string, Entry, std::less<>>;

  void load_secrets();
  void load_logins();
  void load_values();
  void tell_redactor();

  Store& store_;
  std::shared_ptr<const Vault> vault_;
  std::shared_ptr<const Sops> sops_ = std::make_shared<Sops>();
  Redactor& redactor_;
  std::vector<SecretSummary> summaries_;
  std::shared_ptr<const Entries> entries_;  // shared with books
  SecretValues current_;                    // what is set
  SecretValues stored_;                     // what releases need
  mutable std::mutex logins_mutex_;         // the loop thread writes under it
  std::map<std::string, registry::Login> logins_;
  std::map<std::string, std::int64_t> logins_updated_;
  std::vector<std::string> others_;
};

}  // namespace hivemind::hub
