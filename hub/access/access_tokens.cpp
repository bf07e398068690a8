#include "hub/access/access_tokens.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "common/digest.h"
#include "common/error.h"
#include "common/log.h"
#include "hub/access/scope_json.h"

namespace hivemind::hub {
namespace {

constexpr std::string_view kPrefix = "hmo1.";
constexpr std::size_t kIdBytes = 6;
constexpr std::size_t kSecretBytes = 32;
constexpr std::int64_t kHourMs = 3'600'000;

// It stands in the audit log and in tables: nothing in it may look like anything else.
bool is_token_name(std::string_view text) {
  constexpr std::size_t kLongest = 64;
  constexpr std::string_view kExtra = "._@-";
  return !text.empty() && text.size() <= kLongest && text != "admin" && text != "hub" &&
         std::all_of(text.begin(), text.end(), [&](unsigned char c) {
           return (std::isalnum(c) != 0 && c < 0x80) ||
                  kExtra.find(static_cast<char>(c)) != std::string_view::npos;
         });
}

AccessToken token_of(const sqlite::Row& row) {
  AccessToken token;
  token.id = row.text(0);
  token.name = row.text(1);
  token.secret_sha256 = row.text(2);
  const std::optional<api::Role> role = api::role_of(row.text(3));
  if (!role)
    throw Error(ErrorCode::kCorrupt, "token '{}' has no role that is known: '{}'", token.id, row.text(3));
  token.role = *role;
  token.scope = scope_from_json(nlohmann::json::parse(row.text(4), nullptr, false));
  token.created_by = row.text(5);
  token.created_at_ms = row.integer(6);
  token.expires_at_ms = row.integer(7);
  token.revoked_at_ms = row.integer(8);
  token.used_at_ms = row.integer(9);
  return token;
}

}  // namespace

AccessState state_of(const AccessToken& token, std::int64_t now_ms) {
  if (token.revoked_at_ms != 0) return AccessState::kRevoked;
  return token.expires_at_ms != 0 && token.expires_at_ms <= now_ms ? AccessState::kExpired
                                                                   : AccessState::kGood;
}

std::string_view to_string(AccessState state) {
  switch (state) {
    case AccessState::kGood:
      return "good";
    case AccessState::kExpired:
      return "expired";
    case AccessState::kRevoked:
      return "revoked";
  }
  return "";
}

std::string token_named(std::string_view spoken) {
  const auto is_hex = [](std::string_view text, std::size_t bytes) {
    return text.size() == 2 * bytes && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  };
  const bool has_prefix = spoken.starts_with(kPrefix);
  const std::string_view rest = has_prefix ? spoken.substr(kPrefix.size()) : spoken;
  const std::string_view first = rest.substr(0, rest.find('.'));
  if (is_hex(first, kIdBytes)) return std::string(first);
  // The rest of a token, admin.token, or one that is for machines.
  const bool is_secret = has_prefix || is_hex(first, kSecretBytes) || spoken.starts_with("hm1.");
  return is_secret ? "" : std::string(spoken);
}

AccessTokens::AccessTokens(sqlite::Database& database) : database_(database) {
  database_.each(
      "SELECT id, name, secret_sha256, role, scope, created_by, created_at_ms, expires_at_ms, revoked_at_ms, "
      "used_at_ms FROM access_tokens",
      {}, [&](const sqlite::Row& row) {
        AccessToken token = token_of(row);
        tokens_.emplace(token.id, std::move(token));
      });
}

AccessTokens::Created AccessTokens::create(const WantedToken& wanted, const std::string& by,
                                           std::int64_t now_ms) {
  if (!is_token_name(wanted.name)) {
    throw Error(
        ErrorCode::kInvalid,
        "'{}' is no name for a token (1 to 64 of letters, digits and '._@-', as in 'anna'; 'admin' and "
        "'hub' are taken)",
        wanted.name);
  }
  if (wanted.role == api::Role::kAdmin && !wanted.scope.is_whole()) {
    throw Error(
        ErrorCode::kInvalid,
        "an admin can make any token, so there is none for a part of the fleet (use the role 'operator')");
  }
  for (const auto& [id, token] : tokens_) {
    if (token.name != wanted.name || state_of(token, now_ms) != AccessState::kGood) continue;
    throw Error(ErrorCode::kConflict, "token '{}' is there already (revoke it first, or choose another name)",
                wanted.name);
  }
  AccessToken token;
  token.id = random_hex(kIdBytes);
  const std::string secret = random_hex(kSecretBytes);
  token.name = wanted.name;
  token.secret_sha256 = sha256_hex(secret);
  token.role = wanted.role;
  token.scope = wanted.scope;
  token.created_by = by;
  token.created_at_ms = now_ms;
  token.expires_at_ms = wanted.expires_at_ms;
  const std::string scope = to_json(token.scope).dump();
  database_.run(
      "INSERT INTO access_tokens (id, name, secret_sha256, role, scope, created_by, created_at_ms, "
      "expires_at_ms, "
      "revoked_at_ms, used_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0)",
      {token.id, token.name, token.secret_sha256, api::to_string(token.role), scope, token.created_by,
       token.created_at_ms, token.expires_at_ms});
  tokens_.emplace(token.id, token);
  std::string text = fmt::format("{}{}.{}", kPrefix, token.id, secret);
  return {std::move(token), std::move(text)};
}

const AccessToken& AccessTokens::revoke(const std::string& id_or_name, std::int64_t now_ms) {
  auto found = tokens_.find(id_or_name);
  if (found == tokens_.end()) {
    found = std::find_if(tokens_.begin(), tokens_.end(), [&](const auto& entry) {
      return entry.second.name == id_or_name && state_of(entry.second, now_ms) == AccessState::kGood;
    });
  }
  if (found == tokens_.end()) {
    throw Error(ErrorCode::kNotFound, "there is no token '{}' (hivemind token ls)", id_or_name);
  }
  AccessToken& token = found->second;
  if (token.revoked_at_ms == 0) {
    database_.run("UPDATE access_tokens SET revoked_at_ms = ? WHERE id = ?", {now_ms, token.id});
    token.revoked_at_ms = now_ms;
  }
  return token;
}

std::vector<AccessToken> AccessTokens::all() const {
  std::vector<AccessToken> tokens;
  for (const auto& [id, token] : tokens_) tokens.push_back(token);
  std::stable_sort(tokens.begin(), tokens.end(), [](const AccessToken& a, const AccessToken& b) {
    return a.created_at_ms < b.created_at_ms;
  });
  return tokens;
}

std::optional<api::Caller> AccessTokens::authenticate(std::string_view text, const std::string& address,
                                                      std::int64_t now_ms) {
  if (!text.starts_with(kPrefix)) return std::nullopt;
  text.remove_prefix(kPrefix.size());
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto found = tokens_.find(text.substr(0, dot));
  const std::string digest = sha256_hex(text.substr(dot + 1));
  if (found == tokens_.end() || !same_bytes(digest, found->second.secret_sha256)) return std::nullopt;
  AccessToken& token = found->second;
  if (state_of(token, now_ms) != AccessState::kGood) return std::nullopt;
  note_use(token, now_ms);
  return api::Caller{token.name, token.role, token.scope, address, token.id};
}

bool AccessTokens::is_good(const api::Caller& caller, std::int64_t now_ms) const {
  if (caller.token_id.empty()) return true;  // admin.token, which lasts as long as the hub runs
  const auto found = tokens_.find(caller.token_id);
  return found != tokens_.end() && state_of(found->second, now_ms) == AccessState::kGood;
}

// To the hour: enough to see which tokens nobody uses, too little to follow somebody about.
void AccessTokens::note_use(AccessToken& token, std::int64_t now_ms) {
  const std::int64_t hour = now_ms - now_ms % kHourMs;
  if (hour == token.used_at_ms) return;
  token.used_at_ms = hour;
  try {
    database_.run("UPDATE access_tokens SET used_at_ms = ? WHERE id = ?", {hour, token.id});
  } catch (const Error& error) {
    log::warn("the use of token '{}' could not be stored: {}", token.name, error.what());
  }
}

}  // namespace hivemind::hub
