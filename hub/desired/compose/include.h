#pragma once

#include <string>
#include <vector>

#include "hub/desired/compose/reader.h"

namespace hivemind::hub::compose {

// One entry of the top-level key 'include'.
struct Include {
  Location location;
  std::vector<Text> paths;      // at least one: the file, and what is merged over it
  Text project_directory;       // empty: that of the first file
  std::vector<Text> env_files;  // none: the project directory's '.env', if there is one
};

// Interpolated already. Entries with an error are left out.
std::vector<Include> read_includes(const yaml::Node& node, Reader& reader);

// Whether it names something outside of the repository by a URL; says so.
bool refuse_remote(const Text& path, std::string_view what, Reader& reader);

// Adds what an included model defines. What is there already must be the same.
void import_resources(yaml::Node& document, yaml::Node imported, Reader& reader);

}  // namespace hivemind::hub::compose
