#pragma once

#include <string>

#include "agent/options.h"
#include "hivemind/v1/report.pb.h"

namespace hivemind::agent {

// The newest report of the store in the data directory, as text. Changes nothing; an agent may be running
// beside it. Throws kNotFound where there is no store or no report yet, kCorrupt or kUnavailable when it
// cannot be read.
std::string status_text(const Options& options);

std::string to_table(const v1::Report& report);
std::string to_json(const v1::Report& report);

}  // namespace hivemind::agent
