#include "hub/secrets/secret_keeper.h"

#include <nlohmann/json.hpp>

#include "common/digest.h"
#include "common/error.h"
#include "common/file.h"
#include "common/log.h"

namespace hivemind::hub {
namespace {

constexpr std::string_view kCheckKey = "master_key_check";
constexpr std::string_view kCheckText = "hivemind";
constexpr mode_t kKeyMode = 0600;

// What a box is the value of: one that is moved to another row does not open.
std::string about_secret(std::string_view name, std::string_view scope) {
  return fmt::format("secret\n{}\n{}", name, scope);
}
std::string about_login(std::string_view registry) {
  return fmt::format("login\n{}", registry);
}
std::string about_value(std::string_view id) {
  return fmt::format("value\n{}", id);
}

// The check is of bytes, and the table of text: it is kept as hex.
bool opens_check(const MasterKey& key, const std::string& check) {
  try {
    return Vault(key).open(from_hex(check), kCheckKey) == kCheckText;
  } catch (const Error&) {
    return false;
  }
}

registry::Login parse_login(const std::string& text) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) throw Error(ErrorCode::kCorrupt, "a login in the hub's database does not parse");
  return {json.value("username", ""), json.value("password", ""), json.value("identity_token", "")};
}

std::string text_of(const registry::Login& login) {
  return nlohmann::json{
      {"username", login.username}, {"password", login.password}, {"identity_token", login.identity_token}}
      .dump();
}

}  // namespace

MasterKey open_master_key(const std::filesystem::path& file, Store& store) {
  const std::optional<std::string> check = store.meta(kCheckKey);
  if (!std::filesystem::exists(file)) {
    if (check) {
      throw Error(
          ErrorCode::kNotFound,
          "master key '{}' is not there, and the hub's secrets are encrypted under it (put it back, or "
          "give it with --master-key; nothing was changed)",
          file.string());
    }
    const MasterKey key = MasterKey::generate();
    write_file_durably(file, key.text(), kKeyMode);
    log::info("master key '{}' is made: without it no secret of the hub can be read, so keep a copy of it",
              file.string());
  }
  MasterKey key = MasterKey::load(file);
  if (check && !opens_check(key, *check)) {
    throw Error(
        ErrorCode::kDenied,
        "master key '{}' is not the one that the hub's secrets are encrypted under (give that one with "
        "--master-key; nothing was changed)",
        file.string());
  }
  if (!check) store.set_meta(kCheckKey, to_hex(Vault(key).close(kCheckText, kCheckKey)));
  return key;
}

// Immutable, and of one moment.
class SecretKeeper::Book : public SecretBook {
 public:
  Book(std::shared_ptr<const Vault> vault, std::shared_ptr<const Sops> sops,
       std::shared_ptr<const Entries> entries, std::set<std::string, std::less<>> reached)
      : vault_(std::move(vault)),
        sops_(std::move(sops)),
        entries_(std::move(entries)),
        reached_(std::move(reached)) {}

  std::optional<std::string> find(std::string_view name, std::string_view stack,
                                  const NodeIdentity& node) const override {
    const auto found = entries_->find(name);
    if (found == entries_->end()) return std::nullopt;
    const int index = most_specific(found->second.scopes, stack, node);
    return index < 0 ? std::nullopt : std::optional(found->second.ids[static_cast<std::size_t>(index)]);
  }
  std::string id(std::string_view name, std::string_view value) const override {
    return vault_->id(name, value);
  }
  SecretPtr open(std::string_view name, std::string_view sealed) const override {
    if (!sealed.starts_with(kSealedPrefix)) {
      throw Error(ErrorCode::kInvalid, "it does not begin with '{}'", kSealedPrefix);
    }
    return secret_of(name, vault_->git_key().open(from_base64(sealed.substr(kSealedPrefix.size()))));
  }
  std::string decrypt_env_file(const std::string& text) const override {
    return sops_->decrypt_env_file(text);
  }
  bool reaches(std::string_view node) const override { return reached_.contains(node); }

 private:
  std::shared_ptr<const Vault> vault_;
  std::shared_ptr<const Sops> sops_;
  std::shared_ptr<const Entries> entries_;
  std::set<std::string, std::less<>> reached_;
};

SecretKeeper::SecretKeeper(Store& store, const MasterKey& key, Redactor& redactor)
    : store_(store), vault_(std::make_shared<const Vault>(key)), redactor_(redactor) {
  load_values();
  load_secrets();
  load_logins();
  tell_redactor();
}

void SecretKeeper::load_secrets() {
  std::vector<SecretSummary> summaries;
  auto entries = std::make_shared<Entries>();
  SecretValues current;
  for (const SecretRow& row : store_.secrets().secrets()) {
    const SecretScope scope = SecretScope::parse(row.scope);
    auto secret =
        std::make_shared<const Secret>(row.name, vault_->open(row.box, about_secret(row.name, row.scope)));
    std::string id = vault_->id(row.name, secret->value());
    Entry& entry = (*entries)[row.name];
    entry.scopes.push_back(scope);
    entry.ids.push_back(id);
    current.emplace(std::move(id), std::move(secret));
    summaries.push_back({row.name, scope, row.updated_at_ms});
  }
  summaries_ = std::move(summaries);
  entries_ = std::move(entries);
  current_ = std::move(current);
}

void SecretKeeper::load_logins() {
  std::map<std::string, registry::Login> logins;
  logins_updated_.clear();
  for (const LoginRow& row : store_.secrets().logins()) {
    logins.emplace(row.registry, parse_login(vault_->open(row.box, about_login(row.registry))));
    logins_updated_.emplace(row.registry, row.updated_at_ms);
  }
  const std::lock_guard lock(logins_mutex_);
  logins_ = std::move(logins);
}

std::optional<registry::Login> SecretKeeper::login(const std::string& registry) const {
  const std::lock_guard lock(logins_mutex_);
  const auto found = logins_.find(registry);
  return found == logins_.end() ? std::nullopt : std::optional(found->second);
}

void SecretKeeper::load_values() {
  for (const SecretValueRow& row : store_.secrets().values()) {
    stored_.emplace(row.id,
                    std::make_shared<const Secret>(row.name, vault_->open(row.box, about_value(row.id))));
  }
}

bool SecretKeeper::set(const std::string& name, const SecretScope& scope, const std::string& value,
                       std::int64_t now_ms) {
  if (!is_secret_name(name)) {
    throw Error(ErrorCode::kInvalid,
                "'{}' is no name for a secret (use up to 63 letters, digits, '.', '-' and '_')", name);
  }
  if (value.empty()) throw Error(ErrorCode::kInvalid, "the value of secret '{}' is empty", name);
  if (value.size() > kMaxSecretBytes) {
    throw Error(ErrorCode::kInvalid, "the value of secret '{}' has {} bytes, at most {} are taken", name,
                value.size(), kMaxSecretBytes);
  }
  if (const auto found = entries_->find(name); found != entries_->end()) {
    const std::string id = vault_->id(name, value);
    for (std::size_t i = 0; i < found->second.ids.size(); ++i) {
      if (found->second.scopes[i] == scope && found->second.ids[i] == id) return false;
    }
  }
  const std::string text = scope.text();
  store_.secrets().put(SecretRow{name, text, vault_->close(value, about_secret(name, text)), now_ms});
  load_secrets();
  tell_redactor();
  return true;
}

bool SecretKeeper::remove(const std::string& name, const SecretScope& scope) {
  if (!store_.secrets().remove(name, scope.text())) return false;
  load_secrets();
  tell_redactor();
  return true;
}

void SecretKeeper::set_login(const std::string& registry, const registry::Login& login, std::int64_t now_ms) {
  store_.secrets().put(LoginRow{registry, vault_->close(text_of(login), about_login(registry)), now_ms});
  load_logins();
  tell_redactor();
}

bool SecretKeeper::remove_login(const std::string& registry) {
  if (!store_.secrets().remove_login(registry)) return false;
  load_logins();
  tell_redactor();
  return true;
}

std::vector<LoginSummary> SecretKeeper::logins() const {
  std::vector<LoginSummary> all;
  for (const auto& [registry, login] : logins_)
    all.push_back({registry, login.username, logins_updated_.at(registry)});
  return all;
}

std::shared_ptr<const SecretBook> SecretKeeper::book(std::set<std::string, std::less<>> reached) const {
  return std::make_shared<const Book>(vault_, sops_, entries_, std::move(reached));
}

SecretPtr SecretKeeper::find(std::string_view id) const {
  for (const SecretValues* values : {&current_, &stored_}) {
    if (const auto found = values->find(id); found != values->end()) return found->second;
  }
  return nullptr;
}

SecretValueRow SecretKeeper::row_of(const std::string& id, const Secret& secret) const {
  return {id, secret.name(), vault_->close(secret.value(), about_value(id))};
}

void SecretKeeper::keep(const SecretValues& stored, const std::set<std::string>& in_use) {
  const std::size_t before = stored_.size();
  stored_.insert(stored.begin(), stored.end());
  const bool grown = stored_.size() != before;
  const auto forgotten = std::erase_if(stored_, [&](const auto& one) { return !in_use.contains(one.first); });
  if (grown || forgotten > 0) tell_redactor();
}

void SecretKeeper::hide(std::vector<std::string> others) {
  if (others == others_) return;
  others_ = std::move(others);
  tell_redactor();
}

void SecretKeeper::tell_redactor() {
  std::vector<std::string> values = others_;
  for (const SecretValues* all : {&std::as_const(current_), &std::as_const(stored_)}) {
    for (const auto& [id, secret] : *all) values.push_back(secret->value());
  }
  for (const auto& [registry, login] : logins_) {
    values.push_back(login.password);
    values.push_back(login.identity_token);
  }
  redactor_.learn(values);
}

}  // namespace hivemind::hub
