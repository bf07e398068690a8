#pragma once

#include "hub/desired/compose/fields.h"

// What is for the machine of a developer: nodes ignore it, but it must be what the specification says.
namespace hivemind::hub::compose {

void check_build(const yaml::Node& node, Reader& reader);
void check_develop(const yaml::Node& node, Reader& reader);
void check_attach(const yaml::Node& node, Reader& reader);

}  // namespace hivemind::hub::compose
