#pragma once

#include <string>
#include <vector>

#include "agent/plan/desired.h"
#include "hivemind/v1/manifest.pb.h"

// Manifests for tests, in as few words as they need.
namespace hivemind::tests {

inline constexpr const char* kNode = "pi-1";

// One replica of image "<name>:1", config hash "<name>-1", an engine body with nothing but the image.
v1::Service service(const std::string& name);
// The same service as another version: image "<name>:<version>", config hash "<name>-<version>".
v1::Service service(const std::string& name, int version);
v1::Service with_body(v1::Service service, const std::string& body);
v1::Service with_dependency(v1::Service service, const std::string& on,
                            v1::Dependency::Condition condition = v1::Dependency::STARTED);
v1::Service with_network(v1::Service service, const std::string& network);
v1::Service with_replicas(v1::Service service, unsigned replicas);
v1::Service with_policy(v1::Service service, v1::PullPolicy policy);

// The digest follows from the services' config hashes; networks of the endpoints named "<stack>_…" are its
// own.
v1::Release release(const std::string& stack, const std::vector<v1::Service>& services);
v1::Manifest manifest(std::uint64_t generation, const std::vector<v1::Release>& releases);

agent::Desired desired(const std::vector<v1::Release>& releases, std::uint64_t generation = 1);

}  // namespace hivemind::tests
