#pragma once

#include <cstdint>
#include <optional>
#include <string>

// Whether an image fits on the disk.
namespace hivemind::agent {

struct DiskSpace {
  std::string path;
  std::int64_t free_bytes = 0;
  std::int64_t total_bytes = 0;
};

// Of the file system of that path; nothing where there is no such path on this machine.
std::optional<DiskSpace> disk_space(const std::string& path);

// What is kept free where nothing else was said: enough to write logs and stores for a while, and not too
// much of a small disk.
std::int64_t default_reserve(const DiskSpace& space);

// What an image takes while it is pulled, from the size of its compressed layers: these, and what is unpacked
// of them, which is mostly a little more than twice as much.
std::int64_t unpacked_estimate(std::int64_t compressed_bytes);

// "disk short: needs about 412 MB, 200 MB free at '/var/lib/docker', 256 MB are kept free"; empty when it
// fits.
std::string shortage(const DiskSpace& space, std::int64_t reserve_bytes, std::int64_t needed_bytes);

}  // namespace hivemind::agent
