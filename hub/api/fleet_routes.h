#pragma once

#include "hub/api/operations.h"
#include "hub/api/route.h"

namespace hivemind::hub::api {

// What is looked at: health, status, nodes, stacks, why, convergence, events.
Table fleet_routes(Operations& operations);

// What the hub and the nodes are asked to do: sync, adopt, retry, apply, purge.
Table work_routes(Operations& operations);

}  // namespace hivemind::hub::api
