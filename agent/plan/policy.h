#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/plan/desired.h"

// The node's own policy: what its owner lets releases do, whatever the hub signs. Pure.
namespace hivemind::agent {

enum class Leave { kAllow, kDeny };

// The settings, by the names that its owner knows them by.
namespace policy_settings {
inline constexpr const char* kRegistries = "policy-registries";
inline constexpr const char* kDigests = "policy-digests";
inline constexpr const char* kPrivileged = "policy-privileged";
inline constexpr const char* kHostNetwork = "policy-host-network";
inline constexpr const char* kHostNamespaces = "policy-host-namespaces";
inline constexpr const char* kDevices = "policy-devices";
inline constexpr const char* kCapabilities = "policy-capabilities";
inline constexpr const char* kBinds = "policy-binds";
}  // namespace policy_settings

// As it is by default, nothing is forbidden.
struct Policy {
  // HOST[:PORT][/PATH] of the images that may be used; nothing: all.
  std::optional<std::vector<std::string>> registries = {};
  Leave tags = Leave::kAllow;  // images without a digest
  Leave privileged = Leave::kAllow;
  Leave host_network = Leave::kAllow;
  Leave host_namespaces = Leave::kAllow;
  Leave devices = Leave::kAllow;
  std::optional<std::set<std::string>> capabilities = {};        // that may be added; nothing: all
  std::optional<std::vector<std::filesystem::path>> binds = {};  // below which may be bound; nothing: all
  // What no container is shown while privileged ones are forbidden or binds are limited, unless a setting
  // names just that path: whoever has the engine's socket, this agent's own files, or other processes' view
  // of the node's files, is not bound by a policy.
  std::vector<std::filesystem::path> guarded = {};

  bool restricts() const;
};

// The first thing of a release that the policy forbids.
struct Violation {
  std::string service;  // empty: a volume or network of the stack
  std::string what;
  std::string setting;
  std::string text() const;
};

// Where a path leads on this node once its symlinks are followed; empty: it cannot be told.
using Resolve = std::function<std::filesystem::path(const std::filesystem::path&)>;

std::optional<Violation> violation_of(const DesiredStack& stack, const Policy& policy,
                                      const Resolve& resolve);

}  // namespace hivemind::agent
