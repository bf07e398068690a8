#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "agent/plan/desired.h"

namespace hivemind::agent {

// Directories that hold exactly what Git has, below the stack's directory:
//   files/<SHA-256 of the listing>/…   made aside, and there as a whole or not at all
//
// Other content has another directory, so nothing changes under a container that mounts one. Errors: those of
// OpenDirectory; kCorrupt when content is missing or has another digest.
class ExactContent {
 public:
  // The stack's directory, absolute.
  explicit ExactContent(std::filesystem::path directory) : directory_(std::move(directory)) {}

  std::filesystem::path path_of(const DesiredMount& mount) const;

  // What is there and right is left alone; what somebody has changed is put right, file by file.
  void place(const DesiredMount& mount, const std::map<std::string, std::string>& contents) const;

  // Names the directory of the mount's content.
  static std::string name_of(const DesiredMount& mount);
  // Removes the directories of all other names.
  void keep_only(const std::set<std::string>& names) const;

 private:
  std::filesystem::path directory_;
};

}  // namespace hivemind::agent
