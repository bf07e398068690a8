#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "agent/plan/policy.h"

namespace CLI {
class App;
}

namespace hivemind::agent {

// The node's policy as its owner writes it. It is read at the start, and whoever can change it can also
// change the agent: it belongs into a file of the owner's.
struct PolicyTexts {
  std::vector<std::string> registries{"any"};
  std::string digests = "any";
  std::string privileged = "allow";
  std::string host_network = "allow";
  std::string host_namespaces = "allow";
  std::string devices = "allow";
  std::vector<std::string> capabilities{"any"};
  std::vector<std::string> binds{"any"};
};

void define_policy(CLI::App& app, PolicyTexts& texts);

// Throws kInvalid for what cannot be meant: a policy that is misread protects nobody.
Policy policy_from(const PolicyTexts& texts);

// What no policy lets a release see: sockets of engines, this agent's data, and its own configuration.
// engine: as in DOCKER_HOST. config: may be empty.
std::vector<std::filesystem::path> guarded_paths(const std::string& engine,
                                                 const std::filesystem::path& data_directory,
                                                 const std::filesystem::path& config);

}  // namespace hivemind::agent
