#pragma once

#include <filesystem>

namespace hivemind::tests {

// A small ext4 file system in a file. Nothing reaches that file but what a program has synced: it is mounted
// with data=writeback and a commit interval of five minutes, and the kernel's own writing back begins later
// than any test ends. So a copy of the file is what a disk has after a power cut. (Journalled metadata may be
// newer than the data that it speaks of: that is the harsher order.)
class DiskImage {
 public:
  explicit DiskImage(std::filesystem::path directory);
  ~DiskImage();
  DiskImage(const DiskImage&) = delete;
  DiskImage& operator=(const DiskImage&) = delete;

  // False where it is not permitted.
  bool mounted() const { return mounted_; }
  std::filesystem::path directory() const { return directory_ / "mounted"; }

  void format();  // empty
  void save();    // what restore() brings back, all of it
  void restore();
  void cut();  // goes on with what had reached the file
 private:
  std::filesystem::path image() const { return directory_ / "image"; }
  void mount();
  void unmount();

  std::filesystem::path directory_;
  bool mounted_ = false;
};

}  // namespace hivemind::tests
