#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace hivemind {

// Says what the caller can do about a failure, not which module failed.
enum class ErrorCode {
  kInvalid,      // the input is wrong: mend it, do not retry
  kNotFound,     // the thing is not there
  kConflict,     // the thing is there, but in another state than the call needs
  kUnavailable,  // the other side does not answer: retry later
  kDenied,       // refused for want of a right or a valid signature
  kExhausted,    // disk, memory, descriptors or a limit of ours ran out
  kCorrupt,      // stored bytes are not what was written
  kInternal,     // a defect of ours
};

std::string_view to_string(ErrorCode code);

// The one exception that adapters throw. Third-party exceptions are turned into it where they arise.
// Messages: lower case, outermost context first, values in single quotes, both sides of a mismatch, the
// remedy.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}

  template <typename... Args>
  Error(ErrorCode code, fmt::format_string<Args...> format, Args&&... args)
    requires(sizeof...(Args) > 0)
      : Error(code, fmt::format(format, std::forward<Args>(args)...)) {}

  ErrorCode code() const noexcept { return code_; }

  // The same failure seen from further out: "context: message".
  Error within(std::string_view context) const { return {code_, fmt::format("{}: {}", context, what())}; }

 private:
  ErrorCode code_;
};

}  // namespace hivemind
