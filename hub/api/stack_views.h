#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "hub/inventory/inventory.h"
#include "hub/inventory/status.h"

// What the API shows of stacks, as JSON. Pure.
namespace hivemind::hub::api {

nlohmann::json stacks_view(const HubStatus& status, const Inventory& inventory);
// Null when there is no such stack.
nlohmann::json stack_detail_view(const HubStatus& status, const Inventory& inventory,
                                 const std::string& stack);
// {"total","running","failed"}
nlohmann::json stack_counts(const HubStatus& status, const Inventory& inventory);

}  // namespace hivemind::hub::api
