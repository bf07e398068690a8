#pragma once

#include "hub/api/operations.h"
#include "hub/api/route.h"

namespace hivemind::hub::api {

// The signing key, and a hub that holds back.
Table trust_routes(Operations& operations);

}  // namespace hivemind::hub::api
