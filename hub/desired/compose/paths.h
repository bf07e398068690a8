#pragma once

#include <string>
#include <string_view>

#include "hub/desired/yaml/node.h"

// Paths that one file gives and another file's directory is what they start from.
namespace hivemind::hub::compose {

std::string directory_of(std::string_view path);

// path, relative to the directory `from`, as it is called from the directory `to`: './x' or '../x'. Absolute
// paths and those of a home directory stay. All directories are of the repository; a path that leaves it
// leaves it still.
std::string rebased(std::string_view path, std::string_view from, std::string_view to);

// All relative paths of a service, or of a whole document.
void rebase_service(yaml::Node& service, std::string_view from, std::string_view to);
void rebase_document(yaml::Node& document, std::string_view from, std::string_view to);

}  // namespace hivemind::hub::compose
