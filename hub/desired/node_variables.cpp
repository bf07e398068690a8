#include "hub/desired/node_variables.h"

#include "common/ids.h"

namespace hivemind::hub {
namespace {

constexpr std::string_view kNode = "HIVEMIND_NODE";
constexpr std::string_view kStack = "HIVEMIND_STACK";
constexpr std::string_view kRevision = "HIVEMIND_REVISION";
constexpr std::string_view kProject = "COMPOSE_PROJECT_NAME";

const std::string* find_in(const Variables& variables, std::string_view name) {
  const auto found = variables.find(name);
  return found == variables.end() ? nullptr : &found->second;
}

}  // namespace

const std::string* NodeVariables::assigned(std::string_view name) const {
  const std::string* of_node = node_vars_ == nullptr ? nullptr : find_in(*node_vars_, name);
  return of_node != nullptr ? of_node : find_in(stack_.vars, name);
}

const std::string* NodeVariables::built_in(std::string_view name) const {
  if (name == kNode) return &node_.id;
  if (name == kStack || name == kProject) return &stack_.name;
  if (name == kRevision) return &revision_;
  return find_in(built_in_labels_, name);
}

std::string NodeVariables::fingerprint(std::string_view name) const {
  if (const std::string* value = assigned(name)) return "=" + *value;
  if (const std::string* value = built_in(name)) return "~" + *value;
  return "";
}

Variables NodeVariables::merged(const Variables& env_files) const {
  Variables all = node_vars_ == nullptr ? Variables{} : *node_vars_;
  all.insert(stack_.vars.begin(), stack_.vars.end());
  all.insert(env_files.begin(), env_files.end());
  all.emplace(kNode, node_.id);
  all.emplace(kStack, stack_.name);
  all.emplace(kProject, stack_.name);
  all.emplace(kRevision, revision_);
  all.insert(built_in_labels_.begin(), built_in_labels_.end());
  return all;
}

Variables label_variables(const Labels& labels) {
  Variables variables;
  for (const auto& [key, value] : labels) variables.emplace(label_variable(key), value);
  return variables;
}

}  // namespace hivemind::hub
