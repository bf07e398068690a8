#pragma once

#include <string>
#include <string_view>

namespace hivemind {

// Without the spaces, tabs and line ends at its beginning and its end.
std::string_view trimmed(std::string_view text);

// With line ends as "\n" and other control characters as "\x1b": what others have written can then neither
// look like a line of ours nor tell a terminal what to do.
std::string one_line(std::string_view text);

}  // namespace hivemind
