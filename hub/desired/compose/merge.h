#pragma once

#include <vector>

#include "hub/desired/compose/reader.h"

namespace hivemind::hub::compose {

// Several interpolated Compose files as one, by the specification's rules: maps merge, what a later file says
// of a single value wins, lists are appended and made unique by what identifies an item (a mount by its
// target, a port by its addresses, a variable by its name), commands are replaced. '!override' replaces and
// '!reset' removes what earlier files say.
yaml::Node merge(std::vector<yaml::Node> documents);

}  // namespace hivemind::hub::compose
