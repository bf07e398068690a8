#include "common/file.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"

namespace hivemind {
namespace {

ErrorCode code_of(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return ErrorCode::kNotFound;
    case EACCES:
    case EPERM:
      return ErrorCode::kDenied;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
      return ErrorCode::kExhausted;
    default:
      return ErrorCode::kUnavailable;
  }
}

[[noreturn]] void fail(const std::filesystem::path& path, const char* verb) {
  const int error = errno;
  throw Error(code_of(error), "'{}' cannot be {}: {}", path.string(), verb, std::strerror(error));
}

void write_all(int fd, std::string_view content, const std::filesystem::path& file) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(file, "written");
    content.remove_prefix(static_cast<std::size_t>(written));
  }
}

void sync_directory(const std::filesystem::path& directory) {
  Descriptor fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0 || ::fsync(fd.get()) != 0) fail(directory, "synced");
}

}  // namespace

std::string read_file(const std::filesystem::path& file) {
  return read_all(open_file(file), file);
}

Descriptor open_file(const std::filesystem::path& file) {
  Descriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) fail(file, "opened");
  return fd;
}

std::string read_all(const Descriptor& open, const std::filesystem::path& file) {
  std::string content;
  char buffer[16384];
  for (;;) {
    const ssize_t got = ::read(open.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(file, "read");
    if (got == 0) return content;
    content.append(buffer, static_cast<std::size_t>(got));
  }
}

void write_file_durably(const std::filesystem::path& file, std::string_view content, mode_t mode) {
  const std::filesystem::path temporary = file.string() + ".new";
  ::unlink(temporary.c_str());  // left by a crash; its absence is as good
  Descriptor fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (fd.get() < 0) fail(temporary, "created");
  write_all(fd.get(), content, temporary);
  if (::fchmod(fd.get(), mode) != 0 || ::fsync(fd.get()) != 0) fail(temporary, "synced");
  if (::close(fd.release()) != 0) fail(temporary, "closed");
  if (::rename(temporary.c_str(), file.c_str()) != 0) fail(file, "replaced");
  sync_directory(file.has_parent_path() ? file.parent_path() : std::filesystem::path("."));
}

}  // namespace hivemind
