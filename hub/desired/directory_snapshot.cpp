#include "hub/desired/directory_snapshot.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/digest.h"
#include "common/error.h"

namespace hivemind::hub {
namespace {

constexpr int kMaxDepth = 100;  // directories deeper than this count as empty when ids are made

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  explicit operator bool() const { return fd_ >= 0; }
  int get() const { return fd_; }

 private:
  int fd_;
};

bool usable(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name != ".git" &&
         name.find('\0') == std::string_view::npos;
}

// Opened name by name with O_NOFOLLOW: a symlink anywhere on the way is an error (ELOOP or ENOTDIR), not a
// detour.
Descriptor open_below(int root, std::string_view path) {
  Descriptor at(::openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  while (at && !path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string name(path.substr(0, slash));
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    if (!usable(name)) return Descriptor(-1);
    at = Descriptor(::openat(at.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  }
  return at;
}

// An O_PATH descriptor cannot be read; this one is of the same file, whatever its name now leads to (open(2),
// O_PATH).
Descriptor reopen(const Descriptor& at, int flags) {
  return Descriptor(::open(("/proc/self/fd/" + std::to_string(at.get())).c_str(), flags | O_CLOEXEC));
}

EntryKind kind_of(const struct stat& status) {
  if (S_ISDIR(status.st_mode)) return EntryKind::kDirectory;
  if (S_ISLNK(status.st_mode)) return EntryKind::kSymlink;
  if (!S_ISREG(status.st_mode)) return EntryKind::kAbsent;
  return (status.st_mode & S_IXUSR) != 0 ? EntryKind::kExecutable : EntryKind::kFile;
}

std::string stat_id(const struct stat& status) {
  return sha256_hex(fmt::format("{}:{}:{}:{}.{}:{}.{}", status.st_mode, status.st_ino, status.st_size,
                                status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec,
                                status.st_ctim.tv_nsec));
}

std::vector<std::string> names_in(const Descriptor& at) {
  std::vector<std::string> names;
  const int fd =
      ::open(("/proc/self/fd/" + std::to_string(at.get())).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return names;
  DIR* const directory = ::fdopendir(fd);
  if (directory == nullptr) {
    ::close(fd);
    return names;
  }
  while (const dirent* found = ::readdir(directory)) {
    if (usable(found->d_name)) names.emplace_back(found->d_name);
  }
  ::closedir(directory);
  std::sort(names.begin(), names.end());
  return names;
}

[[noreturn]] void fail(std::string_view path, int error) {
  const ErrorCode code = error == EACCES || error == EPERM ? ErrorCode::kDenied : ErrorCode::kNotFound;
  throw Error(code, "file '{}' cannot be read: {}", path, std::strerror(error));
}

[[noreturn]] void too_large(std::string_view path, std::size_t max_bytes) {
  throw Error(ErrorCode::kExhausted, "file '{}' is larger than {} bytes", path, max_bytes);
}

std::string read_link(const Descriptor& at, std::string_view path, std::size_t max_bytes) {
  std::string target(4096, '\0');
  const ssize_t length = ::readlinkat(at.get(), "", target.data(), target.size());
  if (length < 0) fail(path, errno);
  if (static_cast<std::size_t>(length) > max_bytes) too_large(path, max_bytes);
  target.resize(static_cast<std::size_t>(length));
  return target;
}

std::string read_content(const Descriptor& at, std::string_view path, std::size_t max_bytes) {
  const Descriptor file = reopen(at, O_RDONLY | O_NONBLOCK);
  if (!file) fail(path, errno);
  std::string content;
  char buffer[16384];
  for (;;) {
    const ssize_t got = ::read(file.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path, errno);
    if (got == 0) return content;
    content.append(buffer, static_cast<std::size_t>(got));
    if (content.size() > max_bytes) too_large(path, max_bytes);
  }
}

std::string below(const std::string& directory, const std::string& name) {
  return directory.empty() ? name : directory + "/" + name;
}

}  // namespace

DirectorySnapshot::DirectorySnapshot(const std::filesystem::path& root)
    : root_(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {
  if (root_ < 0) {
    throw Error(ErrorCode::kNotFound, "directory '{}' cannot be opened: {}", root.string(),
                std::strerror(errno));
  }
}

DirectorySnapshot::~DirectorySnapshot() {
  ::close(root_);
}

std::string DirectorySnapshot::id_of(int directory, const std::string& path, int depth) const {
  if (const auto known = directory_ids_.find(path); known != directory_ids_.end()) return known->second;
  std::string content;
  const Descriptor at(::openat(directory, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (depth < kMaxDepth && at) {
    for (const std::string& name : names_in(at)) {
      const Descriptor child(::openat(at.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
      struct stat status {};
      if (!child || ::fstat(child.get(), &status) != 0) continue;  // gone meanwhile
      const bool nested = S_ISDIR(status.st_mode);
      content += name + '\0' + (nested ? id_of(child.get(), below(path, name), depth + 1) : stat_id(status));
    }
  }
  return directory_ids_[path] = sha256_hex(content);
}

Entry DirectorySnapshot::entry(std::string_view path) const {
  Entry entry{std::string(path), EntryKind::kAbsent, ""};
  const Descriptor at = open_below(root_, path);
  struct stat status {};
  if (!at || ::fstat(at.get(), &status) != 0) return entry;
  entry.kind = kind_of(status);
  if (entry.kind == EntryKind::kDirectory) {
    entry.id = id_of(at.get(), entry.path, 0);
  } else if (entry.kind != EntryKind::kAbsent) {
    entry.id = stat_id(status);
  }
  return entry;
}

std::vector<Entry> DirectorySnapshot::list(std::string_view directory) const {
  std::vector<Entry> entries;
  const Descriptor at = open_below(root_, directory);
  struct stat status {};
  if (!at || ::fstat(at.get(), &status) != 0 || !S_ISDIR(status.st_mode)) return entries;
  for (const std::string& name : names_in(at)) {
    Entry found = entry(below(std::string(directory), name));
    if (found.kind != EntryKind::kAbsent) entries.push_back(std::move(found));
  }
  return entries;
}

std::string DirectorySnapshot::read(std::string_view path, std::size_t max_bytes) const {
  const Descriptor at = open_below(root_, path);
  struct stat status {};
  if (!at || ::fstat(at.get(), &status) != 0) fail(path, ENOENT);
  switch (kind_of(status)) {
    case EntryKind::kSymlink:
      return read_link(at, path, max_bytes);
    case EntryKind::kFile:
    case EntryKind::kExecutable:
      return read_content(at, path, max_bytes);
    default:
      throw Error(ErrorCode::kNotFound, "'{}' is not a file", path);
  }
}

}  // namespace hivemind::hub
