#include "agent/secrets/memory_directory.h"

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "common/error.h"
#include "common/log.h"

namespace hivemind::agent {
namespace {

namespace fs = std::filesystem;

// Far more than secrets take, and nothing that a node would miss: only what is written is used.
constexpr const char* kOptions = "size=64m,nr_inodes=65536,mode=0700";
constexpr unsigned long kFlags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

void make(const fs::path& directory) {
  std::error_code error;
  fs::create_directories(directory.parent_path(), error);
  if (!error && ::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    error = std::error_code(errno, std::generic_category());
  if (!error) return;
  throw Error(ErrorCode::kDenied,
              "secrets directory '{}' cannot be made: {} (name another one with "
              "--secrets-dir)",
              directory.string(), error.message());
}

// 0: done. Kernels before 6.4 do not know 'noswap'.
int mount_memory(const fs::path& directory) {
  for (const std::string& options : {std::string(kOptions) + ",noswap", std::string(kOptions)}) {
    if (::mount("hivemind", directory.c_str(), "tmpfs", kFlags, options.c_str()) == 0) return 0;
    if (errno != EINVAL) break;
  }
  return errno;
}

}  // namespace

bool is_in_memory(const fs::path& directory) {
  struct statfs status {};
  if (::statfs(directory.c_str(), &status) != 0) return false;
  const auto type = static_cast<unsigned long>(status.f_type);
  return type == TMPFS_MAGIC || type == RAMFS_MAGIC;
}

void prepare_memory_directory(const fs::path& directory) {
  if (is_in_memory(directory)) return;
  make(directory);
  if (is_in_memory(directory)) return;
  if (const int error = mount_memory(directory); error != 0) {
    throw Error(
        ErrorCode::kDenied,
        "secrets directory '{}' is on a disk, and no memory file system can be mounted there: {} (mount "
        "a tmpfs there, name a directory of one with --secrets-dir, or run the agent as root)",
        directory.string(), std::strerror(error));
  }
  log::info("a memory file system for secrets is mounted at '{}'", directory.string());
}

}  // namespace hivemind::agent
