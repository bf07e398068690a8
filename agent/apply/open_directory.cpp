#include "agent/apply/open_directory.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/digest.h"
#include "common/error.h"

namespace hivemind::agent {
namespace {

namespace fs = std::filesystem;

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

ErrorCode code_of(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return ErrorCode::kExhausted;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorCode::kDenied;
    case ELOOP:
    case ENOTDIR:
    case EISDIR:
    case EEXIST:
    case ENOTEMPTY:
      return ErrorCode::kConflict;
    case ENOENT:
      return ErrorCode::kNotFound;
    default:
      return ErrorCode::kUnavailable;
  }
}

[[noreturn]] void fail_at(const fs::path& path, const char* verb) {
  const int error = errno;
  throw Error(code_of(error), "'{}' cannot be {}: {}", path.string(), verb, std::strerror(error));
}

OpenDirectory::Kind kind_of(mode_t mode) {
  if (S_ISREG(mode)) return OpenDirectory::Kind::kFile;
  return S_ISDIR(mode) ? OpenDirectory::Kind::kDirectory : OpenDirectory::Kind::kOther;
}

// False: there is more than that.
bool read_whole(int fd, std::uint64_t most_bytes, std::string& content) {
  char buffer[65536];
  for (;;) {
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) return true;
    content.append(buffer, static_cast<std::size_t>(got));
    if (content.size() > most_bytes) return false;
  }
}

bool write_whole(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

void OpenDirectory::fail(const std::string& name, const char* verb) const {
  fail_at(name.empty() ? path_ : path_ / name, verb);
}

OpenDirectory OpenDirectory::at(const fs::path& path) {
  Descriptor fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() >= 0) return {std::move(fd), path};
  if (errno != ENOENT || !path.has_relative_path()) fail_at(path, "opened");
  return at(path.parent_path()).make(path.filename().string());
}

OpenDirectory::Status OpenDirectory::status(const std::string& name) const {
  struct stat status {};
  if (::fstatat(fd_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
    return {kind_of(status.st_mode), static_cast<std::uint64_t>(status.st_size), status.st_mode & 07777,
            status.st_uid, status.st_gid};
  }
  if (errno != ENOENT) fail(name, "looked at");
  return {};
}

std::optional<OpenDirectory> OpenDirectory::find(const std::string& name) const {
  Descriptor fd(::openat(fd_.get(), name.c_str(), kDirectoryFlags));
  if (fd.get() >= 0) return OpenDirectory(std::move(fd), name == "." ? path_ : path_ / name);
  if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP) fail(name, "opened");
  return std::nullopt;
}

OpenDirectory OpenDirectory::make(const std::string& name, mode_t mode) const {
  const bool is_new = ::mkdirat(fd_.get(), name.c_str(), mode) == 0;
  if (!is_new && errno != EEXIST) fail(name, "made");
  Descriptor fd(::openat(fd_.get(), name.c_str(), kDirectoryFlags));
  if (fd.get() < 0) fail(name, "used as a directory");
  // Whatever the umask: containers of any user read it.
  if (is_new && ::fchmod(fd.get(), mode) != 0) fail(name, "made");
  if (is_new) sync();
  return {std::move(fd), path_ / name};
}

std::vector<std::string> OpenDirectory::names(std::size_t most) const {
  Descriptor fd(::openat(fd_.get(), ".", kDirectoryFlags));
  if (fd.get() < 0) fail("", "opened");
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(fd.get()), ::closedir);
  if (stream == nullptr) fail("", "read");
  fd.release();
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (names.size() >= most) break;
    names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

// Neither a pipe (O_NONBLOCK) nor a terminal that was put there can hold the agent up.
std::optional<std::string> OpenDirectory::sha256(const std::string& name, std::uint64_t most_bytes) const {
  const Status before = status(name);
  if (before.kind != Kind::kFile || before.size > most_bytes) return std::nullopt;
  const Descriptor fd(
      ::openat(fd_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (fd.get() < 0) {
    if (errno == ENOENT || errno == ELOOP || errno == ENXIO) return std::nullopt;
    fail(name, "opened");
  }
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  std::string content;
  if (!read_whole(fd.get(), most_bytes, content)) return std::nullopt;
  return sha256_hex(content);
}

void OpenDirectory::write_new(const std::string& name, std::string_view content, mode_t mode,
                              const Owner& owner) const {
  const Descriptor fd(
      ::openat(fd_.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (fd.get() < 0) fail(name, "made");
  if (!write_whole(fd.get(), content)) fail(name, "written");
  const uid_t uid = owner.uid.value_or(static_cast<uid_t>(-1));
  const gid_t gid = owner.gid.value_or(static_cast<gid_t>(-1));
  const bool is_given = owner.uid || owner.gid;
  if (is_given && ::fchown(fd.get(), uid, gid) != 0) fail(name, "given its owner (is the agent root?)");
  // After the owner, a change of which takes set-id bits away.
  if (::fchmod(fd.get(), mode) != 0) fail(name, "given its permissions");
  if (::fsync(fd.get()) != 0) fail(name, "synced");
}

void OpenDirectory::take(const OpenDirectory& from, const std::string& name, const std::string& as) const {
  if (::renameat(from.fd_.get(), name.c_str(), fd_.get(), as.c_str()) != 0) fail(as, "put in place");
}

void OpenDirectory::remove_file(const std::string& name) const {
  if (::unlinkat(fd_.get(), name.c_str(), 0) != 0 && errno != ENOENT) fail(name, "removed");
}

bool OpenDirectory::remove_empty(const std::string& name) const {
  if (::unlinkat(fd_.get(), name.c_str(), AT_REMOVEDIR) == 0) return true;
  if (errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR && errno != ENOENT && errno != EBUSY)
    fail(name, "removed");
  return false;
}

void OpenDirectory::remove_all(const std::string& name) const {
  if (const auto directory = find(name)) {
    for (const std::string& inner : directory->names()) directory->remove_all(inner);
    if (::unlinkat(fd_.get(), name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) fail(name, "removed");
    return;
  }
  remove_file(name);
}

void OpenDirectory::sync() const {
  if (::fsync(fd_.get()) != 0) fail("", "synced");
}

}  // namespace hivemind::agent
