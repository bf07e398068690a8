#include "tests/support/small_disk.h"

#include <fstream>
#include <utility>

#include "tests/support/process.h"

namespace hivemind::tests {

SmallDisk::SmallDisk(std::filesystem::path directory, const std::string& size)
    : directory_(std::move(directory)) {
  std::filesystem::create_directories(directory_);
  const Outcome outcome = run({"mount", "-t", "tmpfs", "-o", "size=" + size, "hivemind-test", directory_});
  mounted_ = outcome.exit_code == 0;
}

SmallDisk::~SmallDisk() {
  if (mounted_) run({"umount", "-l", directory_});
}

// Large pieces first, then what still fits.
void SmallDisk::fill() const {
  std::ofstream file(directory_ / "filler", std::ios::binary | std::ios::app);
  for (const std::size_t size : {std::size_t{1} << 20, std::size_t{4096}, std::size_t{1}}) {
    const std::string piece(size, 'x');
    while (file.write(piece.data(), static_cast<std::streamsize>(size)).flush()) {
    }
    file.clear();
  }
}

void SmallDisk::make_room() const {
  std::filesystem::remove(directory_ / "filler");
}

}  // namespace hivemind::tests
