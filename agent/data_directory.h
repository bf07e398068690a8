#pragma once

#include <filesystem>

namespace hivemind::agent {

// The agent's data directory, made with mode 0700 where it is not there, and held by one agent at a time: two
// would undo each other's work. Held until it goes, also when the process is killed.
class DataDirectory {
 public:
  // Throws kConflict when another agent holds it, kDenied or kUnavailable when it cannot be used.
  explicit DataDirectory(std::filesystem::path path);
  ~DataDirectory();
  DataDirectory(const DataDirectory&) = delete;
  DataDirectory& operator=(const DataDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  int lock_ = -1;
};

}  // namespace hivemind::agent
