#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "hub/desired/diagnostic.h"
#include "hub/desired/environment.h"
#include "hub/desired/yaml/node.h"

// Variable substitution as the Compose specification has it: $V ${V} ${V:-default} ${V-default} ${V:?error}
// ${V?error}
// ${V:+replacement} ${V+replacement} $$. Defaults, replacements and error texts nest. A '$' before anything
// else stays.
namespace hivemind::hub {

// Where values come from. Asked only for what the result depends on: not for names in a default that is not
// taken.
using Lookup = std::function<std::optional<std::string>(std::string_view name)>;

struct InterpolationError {
  std::string message;  // such as "variable 'DB' is required, but not set: give me a database"
  std::string remedy;   // may be empty
};

// Nothing when the text is malformed or a required variable is missing: then error says why, the first time
// only. unset, when given, receives the names that had no value and no default, and became the empty string.
std::optional<std::string> interpolate(std::string_view text, const Lookup& lookup, InterpolationError& error,
                                       std::set<std::string>* unset = nullptr);
std::optional<std::string> interpolate(std::string_view text, const Environment& environment,
                                       InterpolationError& error, std::set<std::string>* unset = nullptr);

// What is said of a variable without value or default.
Diagnostic unset_variable(std::string_view name, UnsetVariables rule, const Location& location);

// Names that were already warned of, so that each is warned of once in a file.
using UnsetWarned = std::set<std::string>;

// Rewrites every scalar value of the tree, but no key. A rewritten scalar is a string (never null, whatever
// its text) with `substituted` set, so that as_bool() and the like still read "${READ_ONLY:-true}". Errors
// are "compose.interpolation" at the scalar's place, and leave that scalar as it was. A variable without
// value or default is one "compose.unset-variable" per file, at its first use, as severe as the rule says.
void interpolate(yaml::Node& node, const Lookup& lookup, UnsetVariables rule, Diagnostics& diagnostics,
                 UnsetWarned& warned);
void interpolate(yaml::Node& node, const Environment& environment, UnsetVariables rule,
                 Diagnostics& diagnostics);

}  // namespace hivemind::hub
