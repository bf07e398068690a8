#pragma once

// Where the parts find each other when nothing is said.
namespace hivemind::defaults {

inline constexpr const char* kHubDirectory = "/var/lib/hivemind/hub";
inline constexpr const char* kAgentDirectory = "/var/lib/hivemind/agent";
inline constexpr const char* kSecretsDirectory = "/run/hivemind/secrets";
inline constexpr const char* kApiListen = "127.0.0.1:7373";
inline constexpr const char* kHubUrl = "http://127.0.0.1:7373";
inline constexpr const char* kBrokerListen = "127.0.0.1:1883";
inline constexpr const char* kBrokerUrl = "mqtt://127.0.0.1:1883";
inline constexpr const char* kTokenFile = "admin.token";  // in the hub's directory
inline constexpr const char* kPublicKeyFile = "hub.pub";  // in the hub's directory
inline constexpr const char* kAuthorityFile =
    "ca.pem";  // in the hub's directory: what nodes and broker trust
inline constexpr const char* kHubName =
    "hivemind-hub";  // in the certificates of hub and broker, whatever their address

}  // namespace hivemind::defaults
