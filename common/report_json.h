#pragma once

#include <nlohmann/json.hpp>

#include "hivemind/v1/report.pb.h"

// Reports as JSON, the same in 'hivemind-agent status --output json' and in the REST API (docs/api.md).
namespace hivemind {

nlohmann::json to_json(const v1::Position& position);
nlohmann::json to_json(const v1::ServiceReport& service);
nlohmann::json to_json(const v1::StackReport& stack);
nlohmann::json to_json(const v1::NodeFacts& facts);
nlohmann::json to_json(const v1::Vitals& vitals);

// The release that failed alone, or null; the services alone, and the notices alone.
nlohmann::json failed_json(const v1::StackReport& stack);
nlohmann::json services_json(const v1::StackReport& stack);
nlohmann::json notices_json(const v1::StackReport& stack);

}  // namespace hivemind
