#pragma once

#include <filesystem>
#include <string>

#include "common/digest.h"

namespace hivemind::tests {

// A directory of its own on the memory file system that every Linux has; gone with it.
class MemoryPlace {
 public:
  MemoryPlace() : path_(std::filesystem::path("/dev/shm") / ("hivemind-test-" + random_hex(6))) {
    std::filesystem::create_directories(path_);
  }
  ~MemoryPlace() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  MemoryPlace(const MemoryPlace&) = delete;
  MemoryPlace& operator=(const MemoryPlace&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace hivemind::tests
