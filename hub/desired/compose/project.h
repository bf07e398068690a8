#pragma once

#include "hub/desired/compose/compose.h"
#include "hub/desired/compose/fields.h"
#include "hub/desired/compose/model.h"
#include "hub/desired/environment.h"

namespace hivemind::hub::compose {

// Reads a merged document. Services whose profiles are not active (COMPOSE_PROFILES) are left out; services
// that say nothing about networks are on 'default'; names of networks and volumes are the real ones. What is
// wrong with single keys is reported here, what concerns several is validate.h's.
Project read_project(const yaml::Node& document, const std::string& stack, const Environment& environment,
                     const Options& options, Reader& reader);

// All keys of a Compose file, and what becomes of each.
std::vector<KnownKey> document_keys();

}  // namespace hivemind::hub::compose
