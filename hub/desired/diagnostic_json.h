#pragma once

#include <nlohmann/json.hpp>

#include "hub/desired/diagnostic.h"

namespace hivemind::hub {

// As the API and the command line print them; docs/api.md lists the members. A list, in the order given.
nlohmann::json diagnostics_json(const Diagnostics& diagnostics);
nlohmann::json diagnostic_json(const Diagnostic& diagnostic);

// A log of SARIF 2.1.0 with one run: a rule for each code that occurs, whose help is the remedy of its first
// diagnostic; the results carry their own. version: of HiveMind.
nlohmann::json to_sarif(const Diagnostics& diagnostics, const std::string& version);

}  // namespace hivemind::hub
