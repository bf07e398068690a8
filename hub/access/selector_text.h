#pragma once

#include <string>
#include <string_view>

#include "hub/desired/fleet.h"

// Selectors as people write them on a command line.
namespace hivemind::hub {

// "site=berlin,role=kiosk,role=wall" (one of the values of each key) or "pi-1,pi-2" (ids), or both: then both
// must hold. Throws kInvalid.
Selector parse_selector(std::string_view text);
std::string to_text(const Selector& selector);  // as parse_selector takes it; "" for every node

}  // namespace hivemind::hub
