#pragma once

#include <string>

#include "common/redact.h"

namespace hivemind::hub {

// An answer in JSON: the strings in it, so that it stays JSON.
std::string redacted_json(std::string text, const Redactor& redactor);

}  // namespace hivemind::hub
