#include "agent/apply/files.h"

#include <cerrno>
#include <system_error>
#include <utility>

#include <sys/stat.h>

#include "common/digest.h"
#include "common/error.h"
#include "common/file.h"

namespace hivemind::agent {
namespace {

namespace fs = std::filesystem;

// Names the directory that holds exactly these files with these permissions.
std::string listing_digest(const DesiredMount& mount) {
  std::string listing;
  for (const DesiredFile& file : mount.files) {
    listing += fmt::format("{}{}{:o}{}{}\n", file.path, '\0', file.mode, '\0', file.sha256);
  }
  return sha256_hex(listing);
}

void make_directories(const fs::path& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (!error) return;
  const bool is_full = error == std::errc::no_space_on_device;
  throw Error(is_full ? ErrorCode::kExhausted : ErrorCode::kUnavailable, "'{}' cannot be made: {}",
              directory.string(), error.message());
}

bool is_in_place(const fs::path& path, const DesiredFile& file) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode) ||
      (status.st_mode & 07777) != file.mode) {
    return false;
  }
  return sha256_hex(read_file(path)) == file.sha256;
}

const std::string& content_of(const DesiredFile& file, const std::map<std::string, std::string>& contents) {
  const auto found = contents.find(file.sha256);
  if (found == contents.end()) {
    throw Error(ErrorCode::kCorrupt, "content '{}' of file '{}' is not in the manifest", file.sha256,
                file.path);
  }
  if (const std::string digest = sha256_hex(found->second); digest != file.sha256) {
    throw Error(ErrorCode::kCorrupt, "file '{}': expected SHA-256 '{}', found '{}'", file.path, file.sha256,
                digest);
  }
  return found->second;
}

}  // namespace

Files::Files(fs::path data_directory) : root_(std::move(data_directory)) {}

fs::path Files::stack_directory(const std::string& stack) const {
  return root_ / "stacks" / stack;
}

fs::path Files::source_of(const std::string& stack, const DesiredMount& mount) const {
  if (mount.files.empty()) return (stack_directory(stack) / "data" / mount.source).lexically_normal();
  const fs::path directory = stack_directory(stack) / "files" / listing_digest(mount);
  return mount.single ? directory / mount.files.front().path : directory;
}

void Files::place(const std::string& stack, const DesiredMount& mount,
                  const std::map<std::string, std::string>& contents) const {
  const fs::path source = source_of(stack, mount);
  if (mount.files.empty()) {
    make_directories(source);
    return;
  }
  const fs::path directory = stack_directory(stack) / "files" / listing_digest(mount);
  for (const DesiredFile& file : mount.files) {
    const fs::path path = directory / file.path;
    if (is_in_place(path, file)) continue;
    make_directories(path.parent_path());
    write_file_durably(path, content_of(file, contents), file.mode);
  }
}

void Files::prune(const std::string& stack, const DesiredStack* wanted) const {
  std::set<std::string> keep;
  if (wanted != nullptr) {
    for (const DesiredService& service : wanted->services) {
      for (const DesiredMount& mount : service.mounts) keep.insert(listing_digest(mount));
    }
  }
  std::error_code ignored;  // what is left over now goes another time
  std::set<fs::path> stale;
  for (fs::directory_iterator entry(stack_directory(stack) / "files", ignored), end; entry != end;
       entry.increment(ignored)) {
    if (!keep.contains(entry->path().filename().string())) stale.insert(entry->path());
  }
  for (const fs::path& directory : stale) fs::remove_all(directory, ignored);
}

}  // namespace hivemind::agent
