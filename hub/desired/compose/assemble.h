#pragma once

#include <optional>

#include "hub/desired/compose/compose.h"
#include "hub/desired/compose/reader.h"

namespace hivemind::hub::compose {

// The key of a config or secret, made of a variable, that has the variable's value where the stack itself has
// none: that of an included file.
inline constexpr const char* kPassedValue = "x-#value";

// The stack's one document for an environment: every file interpolated, what it includes and extends brought
// in, all merged, and relative paths rewritten so that they start from the source's directory. Its nodes keep
// the file and line where they stand. Nothing when there was an error.
std::optional<yaml::Node> assemble(const Source& source, const Environment& environment,
                                   const Options& options, const Snapshot& snapshot, PathsRead& paths,
                                   Reader& reader);

}  // namespace hivemind::hub::compose
