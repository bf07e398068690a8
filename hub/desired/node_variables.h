#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "hub/desired/environment.h"
#include "hub/desired/fleet.h"

namespace hivemind::hub {

// What a node offers to a stack, without the stack's env files: variables of the node over those of the
// stack, and below the env files the built-in ones. A view: what it is made from must outlive it.
class NodeVariables {
 public:
  // labels: those that count, of the agent and of stacks.yml. node_vars may be null.
  NodeVariables(const NodeIdentity& node, const Variables& built_in_labels, const Variables* node_vars,
                const StackEntry& stack, const std::string& revision)
      : node_(node),
        built_in_labels_(built_in_labels),
        node_vars_(node_vars),
        stack_(stack),
        revision_(revision) {}

  // Above the env files.
  const std::string* assigned(std::string_view name) const;
  // Below them.
  const std::string* built_in(std::string_view name) const;

  // Equal for two nodes when and only when they offer the same under the name.
  std::string fingerprint(std::string_view name) const;

  // With the env files' variables in between.
  Variables merged(const Variables& env_files) const;

 private:
  const NodeIdentity& node_;
  const Variables& built_in_labels_;
  const Variables* node_vars_;
  const StackEntry& stack_;
  const std::string& revision_;
};

// HIVEMIND_LABEL_… of the labels. Of two labels that give the same name the first in order counts.
Variables label_variables(const Labels& labels);

}  // namespace hivemind::hub
