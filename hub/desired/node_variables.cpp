#include "hub/desired/node_variables.h"

#include <fmt/format.h>

#include "common/ids.h"

namespace hivemind::hub {
namespace {

constexpr std::string_view kNode = "HIVEMIND_NODE";
constexpr std::string_view kStack = "HIVEMIND_STACK";
constexpr std::string_view kRevision = "HIVEMIND_REVISION";
constexpr std::string_view kProject = "COMPOSE_PROJECT_NAME";

constexpr std::string_view kNoId = "00000000000000000000000000000000";

const SecretVariable* secret_in(const SecretVariables& variables, std::string_view name) {
  const auto found = variables.find(name);
  return found == variables.end() ? nullptr : &found->second;
}

const std::string* find_in(const Variables& variables, std::string_view name) {
  const auto found = variables.find(name);
  return found == variables.end() ? nullptr : &found->second;
}

}  // namespace

const SecretVariable* NodeVariables::as_secret(std::string_view name) const {
  if (of_node_ != nullptr) {
    if (const SecretVariable* own = secret_in(of_node_->secret_vars, name)) return own;
    if (find_in(of_node_->vars, name) != nullptr) return nullptr;
  }
  return secret_in(stack_.secret_vars, name);
}

std::optional<std::string> NodeVariables::secret_id(std::string_view secret) const {
  return secrets_ == nullptr ? std::nullopt : secrets_->find(secret, stack_.name, node_);
}

// One that is missing is said to be so where it is read. Until then it is a value like any other.
std::string NodeVariables::value_of(const SecretVariable& variable) const {
  return secret_placeholder(secret_id(variable.secret).value_or(std::string(kNoId)));
}

std::optional<std::string> NodeVariables::assigned(std::string_view name) const {
  if (const SecretVariable* secret = as_secret(name)) return value_of(*secret);
  const std::string* value = of_node_ == nullptr ? nullptr : find_in(of_node_->vars, name);
  if (value == nullptr) value = find_in(stack_.vars, name);
  return value == nullptr ? std::nullopt : std::optional(*value);
}

const std::string* NodeVariables::built_in(std::string_view name) const {
  if (name == kNode) return &node_.id;
  if (name == kStack || name == kProject) return &stack_.name;
  if (name == kRevision) return &revision_;
  return find_in(built_in_labels_, name);
}

std::string NodeVariables::fingerprint(std::string_view name) const {
  if (name.starts_with(kSecretRead)) return secret_id(name.substr(kSecretRead.size())).value_or("");
  if (const SecretVariable* secret = as_secret(name); secret != nullptr && !secret_id(secret->secret)) {
    const Location& at = secret->location;  // which is told
    return fmt::format("!{} {}:{}:{}", secret->secret, at.file, at.line, at.column);
  }
  if (const auto value = assigned(name)) return "=" + *value;
  if (const std::string* value = built_in(name)) return "~" + *value;
  return "";
}

void NodeVariables::add(const SecretVariables& variables, Variables& to) const {
  for (const auto& [name, variable] : variables) to.emplace(name, value_of(variable));
}

Variables NodeVariables::merged(const Variables& env_files) const {
  Variables all;
  if (of_node_ != nullptr) {
    all = of_node_->vars;
    add(of_node_->secret_vars, all);
  }
  all.insert(stack_.vars.begin(), stack_.vars.end());
  add(stack_.secret_vars, all);
  all.insert(env_files.begin(), env_files.end());
  all.emplace(kNode, node_.id);
  all.emplace(kStack, stack_.name);
  all.emplace(kProject, stack_.name);
  all.emplace(kRevision, revision_);
  all.insert(built_in_labels_.begin(), built_in_labels_.end());
  return all;
}

SecretsOffered NodeVariables::secrets() const {
  SecretsOffered offered{[this](std::string_view name) { return secret_id(name); }, {std::string(kNoId)}};
  const auto note = [&](const SecretVariables& variables) {
    for (const auto& [name, variable] : variables) {
      if (auto id = secret_id(variable.secret)) offered.in_variables.insert(std::move(*id));
    }
  };
  if (of_node_ != nullptr) note(of_node_->secret_vars);
  note(stack_.secret_vars);
  return offered;
}

Variables label_variables(const Labels& labels) {
  Variables variables;
  for (const auto& [key, value] : labels) variables.emplace(label_variable(key), value);
  return variables;
}

}  // namespace hivemind::hub
