#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/sqlite/database.h"
#include "hub/api/caller.h"

namespace hivemind::hub {

// The right of one person or program to speak to the API. Times are Unix milliseconds, 0: never.
struct AccessToken {
  std::string id;             // to speak of it
  std::string name;           // whose it is
  std::string secret_sha256;  // 64 hex digits
  api::Role role = api::Role::kViewer;
  api::Scope scope;
  std::string created_by;
  std::int64_t created_at_ms = 0;
  std::int64_t expires_at_ms = 0;
  std::int64_t revoked_at_ms = 0;
  std::int64_t used_at_ms = 0;  // to the hour
};

enum class AccessState { kGood, kExpired, kRevoked };
AccessState state_of(const AccessToken& token, std::int64_t now_ms);
std::string_view to_string(AccessState state);

struct WantedToken {
  std::string name;
  api::Role role = api::Role::kViewer;
  api::Scope scope;
  std::int64_t expires_at_ms = 0;
};

// The name or id of the token that somebody speaks of, who may have given all of it; empty: what he gives
// looks like a secret without either. It is not to be quoted before.
std::string token_named(std::string_view spoken);

// The tokens of the API, but for admin.token: "hmo1.<id>.<secret>".
//
// Only the SHA-256 of a secret is kept. A slow hash with salt, as for passwords, would win nothing: the
// secret is 256 random bits and not a word that somebody has thought of, so there is nothing to try out, and
// each request would pay for it. Digests are compared in constant time; the id is no secret.
//
// Thread: the loop's. All tokens are kept in memory. Errors: those of sqlite::Database; a call that throws
// has changed nothing.
class AccessTokens {
 public:
  explicit AccessTokens(sqlite::Database& database);

  struct Created {
    AccessToken token;
    std::string text;  // shown once, and kept nowhere
  };
  // Throws kInvalid for a name that cannot be one, or an administrator of a part of the fleet, who could make
  // himself one of the whole; kConflict when a good token has the name.
  Created create(const WantedToken& wanted, const std::string& by, std::int64_t now_ms);
  // By id, or the name of a good one. Throws kNotFound.
  const AccessToken& revoke(const std::string& id_or_name, std::int64_t now_ms);
  std::vector<AccessToken> all() const;  // in the order of their making

  // Nothing for a text that is none of ours, or of a token that is good no more.
  std::optional<api::Caller> authenticate(std::string_view text, const std::string& address,
                                          std::int64_t now_ms);
  // Whether a caller that was let in is still to be.
  bool is_good(const api::Caller& caller, std::int64_t now_ms) const;

 private:
  void note_use(AccessToken& token, std::int64_t now_ms);

  sqlite::Database& database_;
  std::map<std::string, AccessToken, std::less<>> tokens_;  // by id
};

}  // namespace hivemind::hub
