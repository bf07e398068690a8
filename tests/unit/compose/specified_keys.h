#pragma once

#include <string>
#include <vector>

// The keys of the Compose specification's schema, each with a document that uses it. The list is our own: it
// is what the product's table of keys is compared with.
namespace hivemind::tests {

struct SpecifiedKey {
  std::string path;     // "services.healthcheck.interval"; names of services and the like are left out
  std::string with;     // a Compose file that has the key
  std::string without;  // the same without it, or with another value
};

std::vector<SpecifiedKey> specified_keys();

}  // namespace hivemind::tests
