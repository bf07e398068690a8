#include "agent/apply/secret_files.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "agent/secrets/memory_directory.h"
#include "common/digest.h"
#include "common/error.h"

namespace hivemind::agent {
namespace {

namespace fs = std::filesystem;

using Kind = OpenDirectory::Kind;

constexpr mode_t kPrivate = 0700;
constexpr mode_t kMounted = 0755;  // a directory that containers of any user see, and nobody else can reach
// No id of a secret begins with it.
constexpr const char* kNewDirectory = ".new";
constexpr const char* kNewFile = ".file";
constexpr std::size_t kListingDigits = 16;

std::string name_of(const DesiredMount& mount) {
  std::string listing;
  for (const DesiredFile& file : mount.files) {
    listing += fmt::format("{}{}{:o}{}{}", file.path, '\0', file.mode, '\0', file.secret);
    if (file.uid) listing += fmt::format(" uid {}", *file.uid);
    if (file.gid) listing += fmt::format(" gid {}", *file.gid);
    listing += mount.single ? "" : "\n";
  }
  return fmt::format("{}-{}", mount.files.front().secret, sha256_hex(listing).substr(0, kListingDigits));
}

bool is_right(const OpenDirectory& directory, const DesiredFile& file) {
  const OpenDirectory::Status status = directory.status(file.path);
  return status.kind == Kind::kFile && status.mode == file.mode &&
         status.uid == file.uid.value_or(status.uid) && status.gid == file.gid.value_or(status.gid);
}

bool holds(const OpenDirectory& directory, const DesiredFile& file, const std::string& value) {
  return is_right(directory, file) && directory.status(file.path).size == value.size() &&
         directory.sha256(file.path, value.size()) == sha256_hex(value);
}

// The directory of the new file is on the same file system.
void put(const OpenDirectory& aside, const OpenDirectory& directory, const DesiredFile& file,
         const std::string& value) {
  aside.remove_all(kNewFile);  // left by a crash
  aside.write_new(kNewFile, value, file.mode, {file.uid, file.gid});
  if (directory.status(file.path).kind == Kind::kDirectory) directory.remove_all(file.path);
  directory.take(aside, kNewFile, file.path);
}

}  // namespace

SecretFiles::SecretFiles(fs::path directory, std::string node)
    : directory_(std::move(directory)), node_(std::move(node)) {}

std::string SecretFiles::trouble() const {
  try {
    prepare_memory_directory(directory_);
    open();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

// In a directory that others can write to, somebody may have been here first.
OpenDirectory SecretFiles::open() const {
  const OpenDirectory parent = OpenDirectory::at(directory_);
  OpenDirectory own = parent.make(node_, kPrivate);
  const OpenDirectory::Status status = own.status(".");
  if (status.uid != ::geteuid() || status.mode != kPrivate) {
    throw Error(ErrorCode::kDenied,
                "'{}' belongs to user {} with mode {:o}, and not to this agent with 700 "
                "(remove it)",
                root().string(), status.uid, status.mode);
  }
  return own;
}

OpenDirectory SecretFiles::open(const std::string& stack) const {
  return open().make(stack, kPrivate);
}

fs::path SecretFiles::source_of(const std::string& stack, const DesiredMount& mount) const {
  const fs::path directory = root() / stack / name_of(mount);
  return mount.single ? directory / mount.files.front().path : directory;
}

bool SecretFiles::is_in_place(const std::string& stack, const DesiredMount& mount) const {
  std::error_code ignored;
  if (!fs::is_directory(root() / stack, ignored)) return false;
  const auto directory = open(stack).find(name_of(mount));
  return directory && std::ranges::all_of(
                          mount.files, [&](const DesiredFile& file) { return is_right(*directory, file); });
}

void SecretFiles::place(const std::string& stack, const DesiredMount& mount, const Vault& vault) const {
  const auto is_known = [&](const DesiredFile& file) { return vault.why_not(file.secret).empty(); };
  if (!std::ranges::all_of(mount.files, is_known) && is_in_place(stack, mount)) return;
  prepare_memory_directory(directory_);
  const OpenDirectory own = open(stack);
  const std::string name = name_of(mount);
  if (const auto there = own.find(name)) {
    for (const DesiredFile& file : mount.files) {
      const std::string& value = vault.value(file.secret);
      if (!holds(*there, file, value)) put(own, *there, file, value);
    }
    return;
  }
  own.remove_all(name);           // no directory, as it was not found
  own.remove_all(kNewDirectory);  // left by a crash
  const OpenDirectory fresh = own.make(kNewDirectory, mount.single ? kPrivate : kMounted);
  for (const DesiredFile& file : mount.files) put(own, fresh, file, vault.value(file.secret));
  own.take(own, kNewDirectory, name);
}

void SecretFiles::prune(const std::string& stack, const DesiredStack* wanted) const {
  std::error_code ignored;
  if (!fs::is_directory(root() / stack, ignored)) return;
  if (wanted == nullptr) return open().remove_all(stack);
  std::set<std::string> keep;
  for (const DesiredService& service : wanted->services) {
    for (const DesiredMount& mount : service.mounts) {
      if (mount.is_secret()) keep.insert(name_of(mount));
    }
  }
  const OpenDirectory own = open(stack);
  for (const std::string& name : own.names()) {
    if (!keep.contains(name)) own.remove_all(name);
  }
  if (keep.empty()) open().remove_empty(stack);
}

std::set<std::string> SecretFiles::stacks() const {
  std::set<std::string> names;
  std::error_code ignored;  // not there: none
  for (fs::directory_iterator entry(root(), ignored), end; entry != end; entry.increment(ignored)) {
    names.insert(entry->path().filename().string());
  }
  return names;
}

}  // namespace hivemind::agent
