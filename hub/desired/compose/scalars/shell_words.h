#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hivemind::hub::compose {

// Splits a command as the reference does (mattn/go-shellwords): white space separates, single and double
// quotes are literal, a backslash takes the next character as it is, in double quotes, too. Nothing is run or
// expanded; '$(…)' and '`…`' stay one word. Nothing is returned when a quote or parenthesis is not closed or
// the text ends in a backslash.
//
// No shell runs the command, so ';', '&', '|', '<' and '>' have no effect outside quotes but to end it. rest,
// where given, is set to what is left out.
std::optional<std::vector<std::string>> split_shell_words(std::string_view text,
                                                          std::string_view* rest = nullptr);

}  // namespace hivemind::hub::compose
