#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "hub/desired/environment.h"
#include "hub/desired/fleet.h"
#include "hub/desired/sealed_secrets.h"

namespace hivemind::hub {

// What a node offers to a stack, without the stack's env files: variables of the node over those of the
// stack, and below the env files the built-in ones. A variable that is a secret has a placeholder as its
// value. A view: what it is made from must outlive it.
class NodeVariables {
 public:
  // labels: those that count, of the agent and of stacks.yml. of_node may be null, and so may secrets: then
  // there are none.
  NodeVariables(const NodeIdentity& node, const Variables& built_in_labels, const NodeEntry* of_node,
                const StackEntry& stack, const std::string& revision, const KnownSecrets* secrets)
      : node_(node),
        built_in_labels_(built_in_labels),
        of_node_(of_node),
        stack_(stack),
        revision_(revision),
        secrets_(secrets) {}

  // Above the env files.
  std::optional<std::string> assigned(std::string_view name) const;
  // Below them.
  const std::string* built_in(std::string_view name) const;

  // Equal for two nodes when and only when they offer the same under the name.
  std::string fingerprint(std::string_view name) const;

  // With the env files' variables in between.
  Variables merged(const Variables& env_files) const;
  SecretsOffered secrets() const;

  // The secret that a variable is; null: it is none.
  const SecretVariable* as_secret(std::string_view name) const;
  // The id that counts.
  std::optional<std::string> secret_id(std::string_view secret) const;

 private:
  std::string value_of(const SecretVariable& variable) const;
  void add(const SecretVariables& variables, Variables& to) const;

  const NodeIdentity& node_;
  const Variables& built_in_labels_;
  const NodeEntry* of_node_;
  const StackEntry& stack_;
  const std::string& revision_;
  const KnownSecrets* secrets_;
};

// HIVEMIND_LABEL_… of the labels. Of two labels that give the same name the first in order counts.
Variables label_variables(const Labels& labels);

}  // namespace hivemind::hub
