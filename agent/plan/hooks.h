#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hivemind::agent {

// A command that the engine runs inside a container.
struct Hook {
  std::vector<std::string> command;
  std::string user;  // empty: the container's
  bool privileged = false;
  std::string working_dir;               // empty: the container's
  std::vector<std::string> environment;  // "NAME=value"
};

// A container carries its pre_stop hooks as a label: it is stopped by them also when its service is of
// another definition by then, or gone. JSON; empty for no hooks.
std::string to_label(const std::vector<Hook>& hooks);
// Throws kInvalid for what to_label() does not write.
std::vector<Hook> hooks_from_label(std::string_view text);

}  // namespace hivemind::agent
