#pragma once

#include <filesystem>
#include <string>

namespace hivemind::tests {

// A small file system of its own, which takes root to be mounted.
class SmallDisk {
 public:
  // size: as mount takes it, "6m". The directory is made.
  SmallDisk(std::filesystem::path directory, const std::string& size);
  ~SmallDisk();
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  bool mounted() const { return mounted_; }
  const std::filesystem::path& path() const { return directory_; }

  // To the last byte; again when somebody has made room.
  void fill() const;
  void make_room() const;

 private:
  std::filesystem::path directory_;
  bool mounted_ = false;
};

}  // namespace hivemind::tests
