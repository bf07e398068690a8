#pragma once

#include "hivemind/v1/manifest.pb.h"
#include "hub/cli/answer.h"
#include "hub/desired/diagnostic.h"

namespace hivemind::hub::cli {

// As GET /status has it.
Json diagnostic_json(const Diagnostic& diagnostic);
Json diagnostics_json(const Diagnostics& diagnostics);

// A release as it travels, its engine bodies parsed. Members that are empty or at their usual value are left
// out.
Json release_json(const v1::Release& release);

}  // namespace hivemind::hub::cli
