#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "hivemind/v1/command.pb.h"

// Adoption as the API takes and shows it. Pure: docs/api.md describes every field.
namespace hivemind::hub::api {

// The body of POST /nodes/{id}/adopt. Throws kInvalid.
v1::Command adopt_command(const std::string& body);

// What a node has replied to it. Throws kConflict or kUnavailable for a reply without anything to show.
nlohmann::json adoption_view(const v1::CommandReply& reply);

}  // namespace hivemind::hub::api
