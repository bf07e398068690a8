#pragma once

#include <nlohmann/json.hpp>

#include "hub/api/caller.h"

// Scopes as the API and the store write them: {"nodes": "site=berlin", "stacks": ["web"]}; empty members:
// all.
namespace hivemind::hub {

nlohmann::json to_json(const api::Scope& scope);
// Throws kInvalid for anything else: what cannot be read must not become the right to everything.
api::Scope scope_from_json(const nlohmann::json& json);

}  // namespace hivemind::hub
