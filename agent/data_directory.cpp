#include "agent/data_directory.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/error.h"

namespace hivemind::agent {
namespace {

void make_private(const std::filesystem::path& path) {
  std::error_code error;
  // Only what is made here gets its mode: it may hold environment variables with secrets.
  if (std::filesystem::create_directories(path, error) && !error) {
    std::filesystem::permissions(path, std::filesystem::perms::owner_all, error);
  }
  if (error) {
    throw Error(ErrorCode::kUnavailable, "data directory '{}' cannot be made: {}", path.string(),
                error.message());
  }
}

}  // namespace

// A lock needs no space, so a directory on a full disk can be held, too: its own descriptor is locked.
DataDirectory::DataDirectory(std::filesystem::path path) : path_(std::move(path)) {
  make_private(path_);
  lock_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock_ < 0) {
    throw Error(ErrorCode::kUnavailable, "data directory '{}' cannot be opened: {}", path_.string(),
                std::strerror(errno));
  }
  if (::flock(lock_, LOCK_EX | LOCK_NB) == 0) return;
  ::close(lock_);
  throw Error(ErrorCode::kConflict,
              "data directory '{}' is used by another agent (give this one its own --data-dir)",
              path_.string());
}

DataDirectory::~DataDirectory() {
  ::close(lock_);
}

}  // namespace hivemind::agent
