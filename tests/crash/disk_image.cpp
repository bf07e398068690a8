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

void DiskImage::save() {
  unmount();
  copy_sparse(image(), directory_ / "saved");
  mount();
}

void DiskImage::restore() {
  unmount();
  copy_sparse(directory_ / "saved", image());
  mount();
  if (!mounted_) throw std::runtime_error("the saved disk cannot be mounted");
}

void DiskImage::cut() {
  copy_sparse(image(), directory_ / "after");
  unmount();
  copy_sparse(directory_ / "after", image());
  mount();
  if (!mounted_) throw std::runtime_error("the disk cannot be mounted after the power cut");
}

}  // namespace hivemind::tests
