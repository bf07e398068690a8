#include "agent/secrets/vault.h"

#include <utility>

#include "agent/plan/utf8.h"
#include "common/error.h"
#include "hivemind/v1/manifest.pb.h"

namespace hivemind::agent {
namespace {

constexpr const char* kNotEnrolled =
    "this node has no key to open it with (enrol the node: 'hivemind node token create' says how)";

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0, step = 0; at < text.size(); at += step) {
    step = character_at(text, at);
    if (step == 0) return false;
  }
  return true;
}

}  // namespace

Vault::Vault(std::shared_ptr<const OpenKey> key) : key_(std::move(key)) {}

// Of a secret that has come sealed anew, as after the node was enrolled again, another copy may open.
void Vault::learn(const SealedSecrets& sealed) {
  bool is_news = false;
  for (const auto& [id, secret] : sealed) {
    if (values_.contains(id)) continue;
    names_[id] = secret.name;
    const auto before = unopened_.find(id);
    if (before != unopened_.end() && before->second == secret.sealed) continue;
    try {
      if (key_) {
        values_.emplace(id, SecretText(key_->open(secret.sealed)));
        unopened_.erase(id);
        is_news = true;
        continue;
      }
    } catch (const Error&) {
      // why_not() tells it, where it is needed.
    }
    unopened_[id] = secret.sealed;
  }
  if (is_news) tell_redactor();
}

void Vault::keep_only(const std::set<std::string>& ids) {
  const auto is_other = [&](const auto& entry) { return !ids.contains(entry.first); };
  std::erase_if(names_, is_other);
  std::erase_if(unopened_, is_other);
  if (std::erase_if(values_, is_other) > 0) tell_redactor();
}

void Vault::learn_logins(const std::vector<RegistryLogin>& logins) {
  if (logins.empty() && logins_.empty()) return;
  logins_.clear();
  for (const RegistryLogin& login : logins) {
    try {
      RegistryLogin open = opened(login);
      if (!open.password.empty()) logins_.emplace_back(std::move(open.password));
      if (!open.identity_token.empty()) logins_.emplace_back(std::move(open.identity_token));
    } catch (const Error&) {
      // Its pulls tell it.
    }
  }
  tell_redactor();
}

void Vault::tell_redactor() {
  std::vector<std::string> values;
  for (const auto& [id, value] : values_) values.push_back(value.text());
  for (const SecretText& value : logins_) values.push_back(value.text());
  redactor_->learn(values);
  for (std::string& value : values) wipe(value);
}

std::string Vault::label_of(const std::string& id) const {
  const auto name = names_.find(id);
  return name == names_.end() ? fmt::format("secret '{}'", id) : fmt::format("secret '{}'", name->second);
}

std::string Vault::why_not(const std::string& id) const {
  if (values_.contains(id)) return {};
  if (!unopened_.contains(id)) return label_of(id) + " did not come with the manifest";
  if (!key_) return fmt::format("{}: {}", label_of(id), kNotEnrolled);
  return label_of(id) + " was not sealed to this node's key (was it enrolled again? 'hivemind sync')";
}

// Environment variables, arguments and JSON hold nothing else.
std::string Vault::why_no_text(const std::string& id) const {
  const auto found = values_.find(id);
  if (found == values_.end()) return {};
  const std::string& value = found->second.text();
  if (value.find('\0') == std::string::npos && is_utf8(value)) return {};
  return label_of(id) + " is no text in UTF-8 (it can be used as a file only)";
}

const std::string& Vault::value(const std::string& id) const {
  const auto found = values_.find(id);
  if (found == values_.end()) throw Error(ErrorCode::kDenied, "{}", why_not(id));
  return found->second.text();
}

std::string Vault::filled_in(std::string_view text, const std::set<std::string>* ids) const {
  return with_secrets(text, [&](std::string_view placeholder) {
    const std::string id(placeholder);
    if (ids != nullptr && !ids->contains(id))
      throw Error(ErrorCode::kDenied, "secret '{}' is not among those of the service", id);
    const std::string& known = value(id);
    if (const std::string why = why_no_text(id); !why.empty()) throw Error(ErrorCode::kInvalid, "{}", why);
    return known;
  });
}

Hook Vault::filled_in(Hook hook, const std::set<std::string>* ids) const {
  for (std::string& text : hook.command) text = filled_in(text, ids);
  for (std::string& text : hook.environment) text = filled_in(text, ids);
  return hook;
}

RegistryLogin Vault::opened(RegistryLogin login) const {
  if (login.sealed.empty()) return login;
  if (!key_) throw Error(ErrorCode::kDenied, "the login of registry '{}': {}", login.registry, kNotEnrolled);
  try {
    SecretText text(key_->open(login.sealed));
    v1::RegistryLogin message;
    if (!message.ParseFromString(text.text())) throw Error(ErrorCode::kCorrupt, "it is no login");
    login.username = message.username();
    login.password = std::move(*message.mutable_password());
    login.identity_token = std::move(*message.mutable_identity_token());
  } catch (const Error& error) {
    throw Error(ErrorCode::kDenied, "the login of registry '{}' cannot be opened: {}", login.registry,
                error.what());
  }
  login.sealed.clear();
  return login;
}

}  // namespace hivemind::agent
