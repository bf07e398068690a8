#pragma once

#include <string>

#include "hub/desired/compose/model.h"

namespace hivemind::hub::compose {

// What the engine is told of a service's links on one of its networks (empty: on the engine's own bridge):
// "container:alias". Links to services that are not on that network are left out, as they would lead nowhere.
Words link_texts(const Service& service, const Project& project, const std::string& network);

}  // namespace hivemind::hub::compose
