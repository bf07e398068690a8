#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "hub/desired/diagnostic.h"
#include "hub/desired/environment.h"
#include "hub/desired/interpolate.h"

namespace hivemind::hub {

// Reads an env file with Compose's grammar: KEY=value, 'export ' allowed before it, comments on lines of
// their own or after a value and a space, single quotes literal, double quotes with escapes, both over
// several lines. Variables are expanded in unquoted and double-quoted values: lookup wins over earlier keys
// of the file (as in the reference). A key without
// '=' is taken from lookup, and left out when it is not there.
// Errors have code "env-file.syntax" with file and line; an unset variable is "compose.unset-variable", as
// severe as the rule says. Nothing is returned when there was an error.
std::optional<Variables> parse_env_file(std::string_view text, const std::string& file, const Lookup& lookup,
                                        Diagnostics& diagnostics,
                                        UnsetVariables rule = UnsetVariables::kWarn);
std::optional<Variables> parse_env_file(std::string_view text, const std::string& file,
                                        const Environment& environment, Diagnostics& diagnostics,
                                        UnsetVariables rule = UnsetVariables::kWarn);

}  // namespace hivemind::hub
