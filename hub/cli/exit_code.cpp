#include "hub/cli/exit_code.h"

namespace hivemind::hub::cli {

std::string_view describe(ExitCode code) {
  switch (code) {
    case ExitCode::kOk:
      return "done; what was asked about is well";
    case ExitCode::kBad:
      return "what was asked about is not well: diagnostics, a failed node, a commit that is held; or it "
             "cannot be done now: a full disk, a node that is away or does not reply";
    case ExitCode::kUsage:
      return "wrong command line or input";
    case ExitCode::kUnreachable:
      return "the hub cannot be reached";
    case ExitCode::kNotFound:
      return "no such node, stack, file or directory";
    case ExitCode::kDenied:
      return "no token, or the hub refuses it";
    case ExitCode::kTimeout:
      return "not done within the time given";
    case ExitCode::kInternal:
      return "internal error";
  }
  return "";
}

ExitCode exit_code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
      return ExitCode::kUsage;
    case ErrorCode::kNotFound:
      return ExitCode::kNotFound;
    case ErrorCode::kConflict:
    case ErrorCode::kExhausted:
      return ExitCode::kBad;
    case ErrorCode::kUnavailable:
    case ErrorCode::kCorrupt:
      return ExitCode::kUnreachable;  // what answers does not speak as a hub does
    case ErrorCode::kDenied:
      return ExitCode::kDenied;
    case ErrorCode::kInternal:
      return ExitCode::kInternal;
  }
  return ExitCode::kInternal;
}

}  // namespace hivemind::hub::cli
