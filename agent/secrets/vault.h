#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/plan/hooks.h"
#include "agent/plan/registry_login.h"
#include "agent/plan/secrets.h"
#include "common/redact.h"
#include "common/sealing.h"
#include "common/secret_text.h"

namespace hivemind::agent {

// The values of secrets, opened with the node's key, in memory only; wiped when they are forgotten. Ids are
// keyed digests of name and value, so a value is known by its id, wherever its sealed copy came from.
// Whatever is known here is in no text that went through the redactor. Loop thread; the redactor: any.
class Vault {
 public:
  // key: none, on a node that was not enrolled.
  explicit Vault(std::shared_ptr<const OpenKey> key = nullptr);

  // Opens what is not known yet. What cannot be opened is not known, and why_not() says why.
  void learn(const SealedSecrets& sealed);
  // Forgets all but these.
  void keep_only(const std::set<std::string>& ids);
  // So that they are redacted; those that were given before are forgotten.
  void learn_logins(const std::vector<RegistryLogin>& logins);

  // Empty: it is known.
  std::string why_not(const std::string& id) const;
  // Why it cannot be part of a text; empty: it can, or is not known.
  std::string why_no_text(const std::string& id) const;
  // Throws kDenied with why_not().
  const std::string& value(const std::string& id) const;

  // Placeholders of the ids, or of all that are known, replaced by values. Throws kDenied for what is not
  // known or not among the ids, kInvalid for a value that is no text. The result is the caller's to wipe.
  std::string filled_in(std::string_view text, const std::set<std::string>* ids = nullptr) const;
  Hook filled_in(Hook hook, const std::set<std::string>* ids = nullptr) const;
  // With what is sealed in it. Throws kDenied.
  RegistryLogin opened(RegistryLogin login) const;

  const std::shared_ptr<Redactor>& redactor() const { return redactor_; }

 private:
  void tell_redactor();
  std::string label_of(const std::string& id) const;

  std::shared_ptr<const OpenKey> key_;
  std::map<std::string, SecretText> values_;     // by id
  std::map<std::string, std::string> names_;     // by id, also of what cannot be opened
  std::map<std::string, std::string> unopened_;  // sealed copies that could not be opened, by id
  std::vector<SecretText> logins_;
  std::shared_ptr<Redactor> redactor_ = std::make_shared<Redactor>();
};

}  // namespace hivemind::agent
