#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

// How two normalised models of Compose files are compared.
namespace hivemind::tests {

// One leaf that is not the same on both sides.
struct Difference {
  std::string path;      // "services.web.ports.0.target"
  std::string expected;  // as JSON; empty: not there
  std::string found;
};

// Absent, null and an empty list are the same, but for 'command' and 'entrypoint', where an empty list clears
// the image's, and for 'environment', where a variable without value is one.
std::vector<Difference> differences(const nlohmann::json& expected, const nlohmann::json& found);

// "path: expected …, found …"
std::string to_text(const Difference& difference);

}  // namespace hivemind::tests
