#pragma once

#include "hub/desired/compose/model.h"
#include "hub/desired/compose/repository.h"
#include "hub/desired/environment.h"

namespace hivemind::hub::compose {

// A valid project as the message that travels: finished engine bodies, hashes and the digest. Networks and
// volumes that no service uses are left out, as the reference does.
v1::Release lower(const Project& project, const std::string& stack, const Environment& environment,
                  Repository& repository, Reader& reader);

}  // namespace hivemind::hub::compose
