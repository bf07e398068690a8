#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "hivemind/v1/command.pb.h"

// What an operator asks of a node, as the API takes and shows it; adoption has its own. Pure: docs/api.md
// describes every field.
namespace hivemind::hub::api {

// Bodies of POST /nodes/{id}/retry, /apply and /purge. Throw kInvalid.
v1::Command retry_command(const std::string& body);
v1::Command apply_command(const std::string& body);
v1::Command purge_command(const std::string& body);

// What a node has replied to a retry or an apply. Throws kConflict or kUnavailable when it has not done it.
nlohmann::json done_view(const v1::CommandReply& reply, const std::string& stack);

// What a node has replied to a purge. Throws kConflict or kUnavailable for a reply without anything to show.
nlohmann::json purge_view(const v1::CommandReply& reply);

}  // namespace hivemind::hub::api
