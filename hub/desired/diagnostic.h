#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hivemind::hub {

enum class Severity { kError, kWarning };

// Where something stands in the repository. line and column count from 1; 0: the file as a whole.
struct Location {
  std::string file{};  // path from the repository's root
  int line = 0;
  int column = 0;
  auto operator<=>(const Location&) const = default;
};

// What is wrong with the desired state, and what to do about it. An expected outcome, hence a value.
struct Diagnostic {
  Severity severity = Severity::kError;
  std::string code{};  // stable, such as "compose.unknown-key"
  Location location{};
  std::string stack{};               // may be empty
  std::string service{};             // may be empty
  std::string message{};             // what is wrong: lower case, values in single quotes
  std::string remedy{};              // what to do; may be empty
  std::vector<std::string> nodes{};  // the nodes concerned; empty: all
  std::string other_stack{};         // that the message names; may be empty
  bool operator==(const Diagnostic&) const = default;
};

using Diagnostics = std::vector<Diagnostic>;

bool has_errors(const Diagnostics& diagnostics);

std::string_view to_string(Severity severity);

// "file:line:column: error: stack 'web': service 'db': what is wrong, for node 'pi' (what to do) [code]". Of
// many nodes the first few are named, and the others counted.
std::string to_text(const Diagnostic& diagnostic);

}  // namespace hivemind::hub
