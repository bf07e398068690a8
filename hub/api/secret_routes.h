#pragma once

#include <functional>
#include <string>
#include <vector>

#include "hub/api/route.h"
#include "hub/secrets/secret_keeper.h"
#include "hub/secrets/value_use.h"

namespace hivemind::hub::api {

struct SecretHooks {
  // Which stacks ask for a secret of this name.
  std::function<std::vector<SecretUser>(const std::string& name)> users;
  // Whether users() knows them all: not before something has been compiled.
  std::function<bool()> knows_users;
  // All that stacks are selected for, with the labels that count.
  std::function<std::vector<NodeIdentity>()> nodes;
  // Whether the newest revision lists it.
  std::function<bool(const std::string& stack)> has_stack;
  // Something has changed: releases and manifests are to follow.
  std::function<void()> on_changed;
};

// Secrets, the key that values in Git are sealed to, and the logins of registries. Values come in and never
// go out. keeper must outlive the table.
Table secret_routes(SecretKeeper& keeper, SecretHooks hooks);

}  // namespace hivemind::hub::api
