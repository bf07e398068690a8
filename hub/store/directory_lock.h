#pragma once

#include <filesystem>

namespace hivemind::hub {

// Keeps a second hub out of a data directory for as long as it lives. The kernel lets go of it when the
// process ends, however that happens.
class DirectoryLock {
 public:
  // Makes the directory (mode 0700) when it is missing. Throws kConflict when another process holds the lock,
  // kDenied, kExhausted or kUnavailable when the directory cannot be used.
  explicit DirectoryLock(const std::filesystem::path& directory);
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  int fd_ = -1;
};

}  // namespace hivemind::hub
