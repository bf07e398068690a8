#include "agent/apply/disk.h"

#include <algorithm>

#include <fmt/format.h>
#include <sys/statvfs.h>

namespace hivemind::agent {
namespace {

constexpr std::int64_t kMega = 1'000'000;
constexpr std::int64_t kMostReserved = std::int64_t{256} << 20;
constexpr std::int64_t kReservedPart = 20;  // of the whole

// Rounded so that a shortage never reads as none.
std::int64_t megabytes_up(std::int64_t bytes) {
  return (bytes + kMega - 1) / kMega;
}

}  // namespace

std::optional<DiskSpace> disk_space(const std::string& path) {
  struct statvfs found {};
  if (path.empty() || ::statvfs(path.c_str(), &found) != 0) return std::nullopt;
  const auto unit = static_cast<std::int64_t>(found.f_frsize);
  return DiskSpace{path, static_cast<std::int64_t>(found.f_bavail) * unit,
                   static_cast<std::int64_t>(found.f_blocks) * unit};
}

std::int64_t default_reserve(const DiskSpace& space) {
  return std::min(kMostReserved, space.total_bytes / kReservedPart);
}

std::int64_t unpacked_estimate(std::int64_t compressed_bytes) {
  return compressed_bytes / 2 * 5;
}

std::string shortage(const DiskSpace& space, std::int64_t reserve_bytes, std::int64_t needed_bytes) {
  if (space.free_bytes >= needed_bytes + reserve_bytes) return {};
  const std::string needs =
      needed_bytes > 0 ? fmt::format("needs about {} MB, ", megabytes_up(needed_bytes)) : "";
  return fmt::format("disk short: {}{} MB free at '{}', {} MB are kept free", needs, space.free_bytes / kMega,
                     space.path, megabytes_up(reserve_bytes));
}

}  // namespace hivemind::agent
