#pragma once

#include <set>
#include <string>

#include "hub/desired/compose/fields.h"
#include "hub/desired/compose/model.h"

// 'x-hivemind': what HiveMind alone knows of a stack or a service.
namespace hivemind::hub::compose {

// At the top level.
Update read_update(const yaml::Node& node, Reader& reader);
std::vector<KnownKey> update_keys();

// The services that it names as 'pre' and 'post', before anything has been checked.
std::set<std::string> job_names(const yaml::Node& document);

}  // namespace hivemind::hub::compose
