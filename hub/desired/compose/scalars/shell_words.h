#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hivemind::hub::compose {

// Splits a command as a POSIX shell does: white space separates, single quotes are literal, double quotes and
// backslashes quote. Nothing is run or expanded. Nothing is returned when a quote is not closed or the text
// ends in a backslash.
std::optional<std::vector<std::string>> split_shell_words(std::string_view text);

}  // namespace hivemind::hub::compose
