#pragma once

#include "hub/desired/compose/model.h"

namespace hivemind::hub::compose {

// What must hold between keys, services and resources: everything that is referred to exists, no two things
// claim the same port, name or path, dependencies form no circle. Dependencies on services that are left out
// and not required are removed, and those that 'network_mode: service:x' implies are added.
void validate(Project& project, Reader& reader);

}  // namespace hivemind::hub::compose
