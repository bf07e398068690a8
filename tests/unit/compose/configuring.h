#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "hub/desired/compose/config.h"
#include "hub/desired/diagnostic.h"

namespace hivemind::tests {

// A directory with compose.yml, its companions, and what the reference says of it: expected.json, the
// normalised model of the directory /project, or expected.err.
struct ModelCase {
  std::filesystem::path directory;
  std::string name;
  bool accepted = false;    // by the reference
  nlohmann::json expected;  // where accepted
};

// Those below a directory, in order of name; none when there is no such directory.
std::vector<ModelCase> model_cases(const std::filesystem::path& directory);

// What becomes of it here, by the files of the directory, its '.env' and 'project name as expected'.
struct Configured {
  std::optional<nlohmann::json> model;
  hub::Diagnostics diagnostics;

  std::string errors() const;  // joined by "; "
};
Configured configure(const ModelCase& one,
                     hub::compose::Consistency consistency = hub::compose::Consistency::kChecked);

}  // namespace hivemind::tests
