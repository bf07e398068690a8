#include "hub/store/directory_lock.h"

#include <cerrno>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/error.h"

namespace hivemind::hub {
namespace {

ErrorCode code_of(int error) {
  switch (error) {
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorCode::kDenied;
    case ENOSPC:
    case EDQUOT:
      return ErrorCode::kExhausted;
    default:
      return ErrorCode::kUnavailable;
  }
}

void make_private(const std::filesystem::path& directory) {
  std::error_code failure;
  const bool made = std::filesystem::create_directories(directory, failure);
  if (made && !failure) {
    std::filesystem::permissions(directory, std::filesystem::perms::owner_all, failure);
  }
  if (failure) {
    throw Error(code_of(failure.value()), "data directory '{}' cannot be made: {}", directory.string(),
                failure.message());
  }
}

}  // namespace

DirectoryLock::DirectoryLock(const std::filesystem::path& directory) {
  make_private(directory);
  const std::filesystem::path file = directory / "lock";
  fd_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd_ < 0) {
    const int error = errno;
    throw Error(code_of(error), "'{}' cannot be opened: {}", file.string(), std::strerror(error));
  }
  if (::flock(fd_, LOCK_EX | LOCK_NB) == 0) return;
  const int error = errno;
  ::close(fd_);
  if (error == EWOULDBLOCK) {
    throw Error(ErrorCode::kConflict,
                "data directory '{}' is in use by another hub (stop that one, or give this one its own "
                "--data-dir)",
                directory.string());
  }
  throw Error(ErrorCode::kUnavailable, "'{}' cannot be locked: {}", file.string(), std::strerror(error));
}

DirectoryLock::~DirectoryLock() {
  ::close(fd_);
}

}  // namespace hivemind::hub
