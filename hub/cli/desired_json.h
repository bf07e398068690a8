#pragma once

#include "hivemind/v1/manifest.pb.h"
#include "hub/cli/answer.h"

namespace hivemind::hub::cli {

// A release as it travels, its engine bodies parsed. Members that are empty or at their usual value are left
// out.
Json release_json(const v1::Release& release);

}  // namespace hivemind::hub::cli
