#include "tests/crash/disk_image.h"

#include <stdexcept>

#include "tests/support/process.h"

namespace hivemind::tests {
namespace {

namespace fs = std::filesystem;

bool succeeds(std::vector<std::string> command) {
  return run(std::move(command), {{"PATH", "/usr/sbin:/sbin:/usr/bin:/bin"}}).exit_code == 0;
}

void copy_sparse(const fs::path& from, const fs::path& to) {
  if (!succeeds({"cp", "--sparse=always", from, to})) throw std::runtime_error("no copy of " + from.string());
}

}  // namespace

DiskImage::DiskImage(fs::path directory) : directory_(std::move(directory)) {
  fs::create_directories(this->directory());
  format();
}

DiskImage::~DiskImage() {
  unmount();
}

void DiskImage::format() {
  unmount();
  fs::remove(image());
  ++number_;
  if (!succeeds({"truncate", "-s", "24M", image()}) ||
      !succeeds(
          {"mkfs.ext4", "-q", "-F", "-b", "1024", "-E", "lazy_itable_init=0,lazy_journal_init=0", image()}))
    return;
  mount();
}

void DiskImage::mount() {
  mounted_ = succeeds({"mount", "-o", "loop,data=writeback,commit=300,noatime", image(), directory()});
}

void DiskImage::unmount() {
  if (mounted_ && !succeeds({"umount", directory()})) succeeds({"umount", "-l", directory()});
  mounted_ = false;
}

void DiskImage::go_on_with(const fs::path& copy) {
  unmount();
  fs::remove(image());
  ++number_;
  copy_sparse(copy, image());
  mount();
  if (!mounted_) throw std::runtime_error("the copy of the disk cannot be mounted");
}

void DiskImage::save() {
  unmount();
  copy_sparse(image(), directory_ / "saved");
  go_on_with(directory_ / "saved");
}

void DiskImage::restore() {
  go_on_with(directory_ / "saved");
}

void DiskImage::cut() {
  copy_sparse(image(), directory_ / "after");
  go_on_with(directory_ / "after");
}

}  // namespace hivemind::tests
