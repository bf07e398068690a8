#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace hivemind::hub::registry {

struct Login {
  std::string username;
  std::string password;
  std::string identity_token;  // instead of a password: for the registry's token service
};

// The logins of a file in the format of docker's config.json: {"auths": {"HOST": {"auth": "BASE64"}}}. What
// they are appears in no message.
class Credentials {
 public:
  // Throws kInvalid.
  static Credentials parse(std::string_view text);
  // Throws kDenied when others than owner and group can read it, kInvalid for what is no such file, and what
  // read_file() throws.
  static Credentials load(const std::filesystem::path& file);

  // With these in place of its own.
  Credentials with(const std::map<std::string, Login>& others) const;

  const Login* find(const std::string& registry) const;                // null: none
  const std::map<std::string, Login>& all() const { return logins_; }  // by canonical registry

 private:
  std::map<std::string, Login> logins_;  // by canonical registry
};

}  // namespace hivemind::hub::registry
