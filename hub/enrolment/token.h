#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hivemind::hub {

// "<token id>.<secret>", as a node shows it.
struct TokenCredential {
  std::string id;
  std::string secret;
};
std::optional<TokenCredential> parse_credential(std::string_view text);

// The id of the token that somebody speaks of, who may have given all of it; empty: there is no id in it.
// What he gives can hold a secret, and is not to be quoted.
std::string token_id_of(std::string_view spoken);

// A new one: an id to speak of it, and 128 random bits.
TokenCredential make_credential();

// What an operator hands on: "hm1.<base64url of the CA's SHA-256>.<token id>.<secret>". It names the CA, so
// that the node's first contact is authenticated already. ca_fingerprint: the 32 bytes.
std::string token_text(std::string_view ca_fingerprint, const TokenCredential& credential);

}  // namespace hivemind::hub
