#pragma once

#include <filesystem>
#include <string>

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
  std::filesystem::path image() const { return directory_ / ("image-" + std::to_string(number_)); }
  void go_on_with(const std::filesystem::path& copy);
  void mount();
  void unmount();

  std::filesystem::path directory_;
  // Of the image's file. Each mount has a file of its own: the kernel lets go of a loop device when it likes,
  // and one that is still bound to a file would be used again, with what it has cached.
  int number_ = 0;
  bool mounted_ = false;
};

}  // namespace hivemind::tests
