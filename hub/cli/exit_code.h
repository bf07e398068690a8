#pragma once

#include "common/error.h"

namespace hivemind::hub::cli {

// What a script can tell from the exit status. The agent and the hub use the same numbers; docs/cli.md lists
// them.
enum class ExitCode {
  kOk = 0,
  kBad = 1,          // the thing asked about is bad: diagnostics, a failed node, a commit that is held; or
                     // it is there, and cannot be done now
  kUsage = 2,        // the command line is wrong
  kUnreachable = 3,  // the hub does not answer
  kNotFound = 4,     // no such node, stack or directory
  kDenied = 5,       // no token, or the hub refused it
  kTimeout = 6,      // not done within --timeout
  kInternal = 7,     // a defect of ours
};

inline constexpr ExitCode kExitCodes[] = {ExitCode::kOk,          ExitCode::kBad,      ExitCode::kUsage,
                                          ExitCode::kUnreachable, ExitCode::kNotFound, ExitCode::kDenied,
                                          ExitCode::kTimeout,     ExitCode::kInternal};

// One line for --help and docs/cli.md.
std::string_view describe(ExitCode code);

ExitCode exit_code_of(ErrorCode code);

}  // namespace hivemind::hub::cli
