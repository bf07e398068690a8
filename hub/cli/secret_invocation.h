#pragma once

#include <filesystem>
#include <string>
#include <variant>

// What the command line asks for of secrets and logins.
namespace hivemind::hub::cli {

struct SecretSetCommand {
  std::string name;
  std::string scope;           // as the API has it: "fleet", "node:pi-1" …
  std::filesystem::path file;  // "-": standard input
};
struct SecretListCommand {};
enum class WhileUsed { kRefuse, kForce };
struct SecretRemoveCommand {
  std::string name;
  std::string scope;
  WhileUsed while_used = WhileUsed::kRefuse;
};
struct SecretKeyCommand {};
struct SecretSealCommand {
  std::string name;
  std::filesystem::path file;
  std::filesystem::path key;  // empty: the hub is asked
};
struct RegistryLoginCommand {
  std::string registry;
  std::string username;  // empty: the password is an identity token
  std::filesystem::path password_file;
};
struct RegistryListCommand {};
struct RegistryLogoutCommand {
  std::string registry;
};

using SecretCommand =
    std::variant<SecretSetCommand, SecretListCommand, SecretRemoveCommand, SecretKeyCommand,
                 SecretSealCommand, RegistryLoginCommand, RegistryListCommand, RegistryLogoutCommand>;

}  // namespace hivemind::hub::cli
