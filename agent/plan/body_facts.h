#pragma once

#include <string_view>

#include "agent/plan/desired.h"

namespace hivemind::agent {

// Throws kInvalid for anything but a JSON object whose known parts have their types.
BodyFacts body_facts(std::string_view engine_body);

}  // namespace hivemind::agent
