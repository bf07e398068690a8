#pragma once

#include <nlohmann/json.hpp>

#include "hub/inventory/inventory.h"
#include "hub/inventory/status.h"

// What the API shows of the hub's signing keys. Pure: docs/api.md describes every field.
namespace hivemind::hub::api {

// As part of the status.
nlohmann::json trust_status_view(const TrustStatus& trust, const Inventory& inventory);

// GET /trust: with the keys that were, and who follows.
nlohmann::json trust_view(const TrustStatus& trust, const Inventory& inventory);

}  // namespace hivemind::hub::api
