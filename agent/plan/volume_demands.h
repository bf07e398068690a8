#pragma once

#include <nlohmann/json_fwd.hpp>

#include "agent/plan/demands.h"

// What volumes ask for: the engine's own driver calls mount(2) with whatever it is given.
namespace hivemind::agent {

// Of a body of POST /volumes/create.
void read_volume(const nlohmann::json& body, Demands& demands);
// Of a mount's VolumeOptions, by which a volume is made along with the container.
void read_volume_options(const nlohmann::json& options, Demands& demands);

}  // namespace hivemind::agent
