#pragma once

#include <string>

namespace hivemind::agent {

// How the engine logs in to a registry. What it holds but its registry appears in no message.
struct RegistryLogin {
  std::string registry;
  std::string username;
  std::string password;
  std::string identity_token;
  std::string sealed = {};  // not empty: the other three are in it, for this node's key
};

}  // namespace hivemind::agent
