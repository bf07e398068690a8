#pragma once

#include <string_view>

#include "agent/plan/desired.h"

namespace hivemind::agent {

// Throws kInvalid for anything but a JSON object whose known parts have their types.
BodyFacts body_facts(std::string_view engine_body);

// Of EndpointSettings: whether they ask for an address. Throws as above; empty text is none.
bool has_fixed_address(std::string_view endpoint_body);

}  // namespace hivemind::agent
