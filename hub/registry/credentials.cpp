#include "hub/registry/credentials.h"

#include <nlohmann/json.hpp>

#include "common/digest.h"
#include "common/error.h"
#include "common/private_file.h"
#include "hub/registry/image_name.h"

namespace hivemind::hub::registry {
namespace {

using Json = nlohmann::json;

std::string text_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

// "https://index.docker.io/v1/" is how docker writes its Hub.
std::string registry_of(std::string_view key) {
  if (const std::size_t scheme = key.find("://"); scheme != std::string_view::npos)
    key.remove_prefix(scheme + 3);
  return canonical_registry(key.substr(0, key.find('/')));
}

Login read_login(const std::string& key, const Json& json) {
  Login login{text_of(json, "username"), text_of(json, "password"), text_of(json, "identitytoken")};
  const std::string packed = text_of(json, "auth");
  if (packed.empty()) return login;
  std::string plain;
  try {
    plain = from_base64(packed);
  } catch (const Error&) {
    throw Error(ErrorCode::kInvalid, "'auth' of '{}' is no Base64", key);
  }
  const std::size_t colon = plain.find(':');
  if (colon == std::string::npos)
    throw Error(ErrorCode::kInvalid, "'auth' of '{}' is no 'user:password'", key);
  login.username = plain.substr(0, colon);
  login.password = plain.substr(colon + 1);
  return login;
}

}  // namespace

Credentials Credentials::parse(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) throw Error(ErrorCode::kInvalid, "it is no JSON object");
  Credentials credentials;
  const auto auths = json.find("auths");
  if (auths == json.end()) return credentials;
  if (!auths->is_object()) throw Error(ErrorCode::kInvalid, "'auths' is no object");
  for (const auto& [key, value] : auths->items()) {
    if (!value.is_object()) throw Error(ErrorCode::kInvalid, "'{}' in 'auths' is no object", key);
    Login login = read_login(key, value);
    if (login.username.empty() && login.identity_token.empty()) continue;  // a credential helper has it
    credentials.logins_.insert_or_assign(registry_of(key), std::move(login));
  }
  return credentials;
}

Credentials Credentials::load(const std::filesystem::path& file) {
  const SecretText text = read_private_file(file, "credentials for registries");
  try {
    return parse(text.text());
  } catch (const Error& error) {
    throw error.within(fmt::format("'{}'", file.string()));
  }
}

Credentials Credentials::with(const std::map<std::string, Login>& others) const {
  Credentials all;
  all.logins_ = others;
  all.logins_.insert(logins_.begin(), logins_.end());
  return all;
}

const Login* Credentials::find(const std::string& registry) const {
  const auto found = logins_.find(registry);
  return found == logins_.end() ? nullptr : &found->second;
}

}  // namespace hivemind::hub::registry
