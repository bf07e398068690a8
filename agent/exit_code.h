#pragma once

#include "common/error.h"

namespace hivemind::agent {

// The same for all of HiveMind's programs: see docs/cli.md.
enum ExitCode {
  kExitOk = 0,
  kExitBad = 1,
  kExitUsage = 2,
  kExitUnreachable = 3,
  kExitNotFound = 4,
  kExitDenied = 5,
  kExitTime = 6,
  kExitInternal = 7,
};

inline ExitCode exit_code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
      return kExitUsage;
    case ErrorCode::kNotFound:
      return kExitNotFound;
    case ErrorCode::kDenied:
      return kExitDenied;
    case ErrorCode::kUnavailable:
      return kExitUnreachable;
    case ErrorCode::kConflict:
    case ErrorCode::kExhausted:
    case ErrorCode::kCorrupt:
      return kExitBad;
    case ErrorCode::kInternal:
      break;
  }
  return kExitInternal;
}

}  // namespace hivemind::agent
