#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "hub/secrets/scope.h"

namespace hivemind::hub {

// A stack that asks for a secret, and where it is to run.
struct SecretUser {
  std::string stack;
  Selector nodes;
};

// Who uses one of the values that are set under a name. Stacks may be in several of these: it is another
// thing on each node. One that no node runs yet counts as if there were a node without labels.
struct ValueUse {
  std::set<std::string> stacks;                          // for which it counts somewhere
  std::set<std::string> bereft;                          // of those: which have no other value there
  std::map<std::string, std::set<std::string>> instead;  // description of the value that is next -> stacks
};

// scopes: of all values under the name, the one in question among them. Pure.
ValueUse use_of(const SecretScope& scope, const std::vector<SecretScope>& scopes,
                const std::vector<SecretUser>& users, const std::vector<NodeIdentity>& nodes);

}  // namespace hivemind::hub
