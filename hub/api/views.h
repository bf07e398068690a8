#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "hub/api/operations.h"
#include "hub/inventory/convergence.h"
#include "hub/inventory/why.h"

// What the API shows, as JSON. Pure: docs/api.md describes every field.
namespace hivemind::hub::api {

nlohmann::json status_view(const HubStatus& status, const Inventory& inventory,
                           std::chrono::steady_clock::time_point now);

nlohmann::json nodes_view(const Inventory& inventory);
nlohmann::json node_view(const Node& node);         // in a list
nlohmann::json node_detail_view(const Node& node);  // alone

nlohmann::json sync_view(const SyncResult& result);
nlohmann::json convergence_view(const Convergence& convergence, bool settled);
nlohmann::json why_view(const WhyQuestion& question, const Why& why);
nlohmann::json events_view(const std::vector<StoredEvent>& events, std::int64_t last);

// RFC 3339 in UTC with milliseconds; "" for 0.
std::string rfc3339(std::int64_t unix_ms);

}  // namespace hivemind::hub::api
