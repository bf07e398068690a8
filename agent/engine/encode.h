#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/plan/hooks.h"
#include "agent/plan/registry_login.h"

// The few bodies and parameters that the adapter itself makes for the engine.
namespace hivemind::agent::encode {

// The parameter 'filters', percent-encoded: {"key":["value",…]}.
std::string filters(std::string_view key, const std::vector<std::string>& values);

// Body of POST /containers/{id}/exec.
std::string exec_body(const Hook& command);

// Body of POST /containers/{id}/update. policy as Container::restart_policy.
std::string restart_policy_body(std::string_view policy);

// The header X-Registry-Auth: Base64 with '-' and '_' (RFC 4648, 5) of a JSON object (moby,
// api/types/registry, EncodeAuthConfig).
std::string registry_auth(const RegistryLogin& login);

// Body of POST /networks/{id}/disconnect.
std::string disconnect_body(std::string_view container);

// Body of POST /networks/{id}/connect. Throws kInvalid when endpoint_body is no JSON object.
std::string connect_body(std::string_view container, std::string_view endpoint_body);

}  // namespace hivemind::agent::encode
