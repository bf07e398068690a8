#pragma once

#include "hub/desired/compose/model.h"

namespace hivemind::hub::compose {

// What must hold between keys, services and resources: everything that is referred to exists, no two things
// claim the same port, name or path, dependencies form no circle. Dependencies on services that are left out
// and not required are removed, and those that 'network_mode: service:x' implies are added.
void validate(Project& project, Reader& reader);

// Its part about limits, and the sizes that they leave.
void validate_resources(const Service& service, Reader& reader);

// Its parts that look at several services: what they wait for, which run once for an update, and what only
// one of them can have.
void validate_dependencies(Project& project, Reader& reader);
void validate_jobs(const Project& project, Reader& reader);
void validate_claims(const Project& project, Reader& reader);

}  // namespace hivemind::hub::compose
