#pragma once

#include <nlohmann/json_fwd.hpp>

#include "agent/apply/body.h"

// What a container's body says of networks and of other containers. For the .cpp files of this folder.
namespace hivemind::agent {

void add_networks(nlohmann::json& body, const ContainerContext& container);

// Namespaces and volumes of other containers.
void add_bases(nlohmann::json& body, const ContainerContext& container);

}  // namespace hivemind::agent
