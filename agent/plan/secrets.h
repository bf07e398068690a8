#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

// Secrets as a manifest names them: by id, and sealed. Nothing here holds a value. Pure.
namespace hivemind::agent {

struct DesiredService;
struct DesiredStack;

struct SealedSecret {
  std::string name;    // as operators know it
  std::string sealed;  // for this node's key
  bool operator==(const SealedSecret&) const = default;
};
using SealedSecrets = std::map<std::string, SealedSecret>;  // by id

// 32 hex digits.
bool is_secret_id(std::string_view text);

// Why secrets cannot be had; what is not named here, can.
struct SecretTroubles {
  std::map<std::string, std::string> unavailable = {};  // by id
  std::map<std::string, std::string> no_text = {};      // by id; as files they can be had
  std::string no_place = {};                            // for those that are files; empty: there is one
};

// Ids of all that a service's containers are made with.
std::set<std::string> secrets_of(const DesiredService& service);
std::set<std::string> secrets_of(const DesiredStack& stack);
// Likewise, of a serialized v1::Release; one that cannot be read names none.
std::set<std::string> secrets_named_in(const std::string& release);
// What is wrong with the places in which its body and hooks have secrets; empty: nothing.
std::string secrets_flaw(const DesiredService& service);
// Why no container of the service can be made or started now; empty: it can.
std::string secrets_trouble(const DesiredService& service, const SecretTroubles& troubles);

// Gives each "@{hivemind-secret:<id>}" in the text to `on_placeholder`, and has what it returns stand in its
// place. What is put in is not looked at again. Anything that begins like a placeholder and is none has the
// id that it seems to have, up to the '}' or the end.
std::string with_secrets(std::string_view text,
                         const std::function<std::string(std::string_view id)>& on_placeholder);
std::set<std::string> placeholders_in(std::string_view text);

}  // namespace hivemind::agent
