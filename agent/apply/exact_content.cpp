#include "agent/apply/exact_content.h"

#include <algorithm>
#include <system_error>

#include <fmt/format.h>

#include "agent/apply/contents.h"
#include "agent/apply/open_directory.h"
#include "common/digest.h"
#include "common/error.h"

namespace hivemind::agent {
namespace {

namespace fs = std::filesystem;

using Kind = OpenDirectory::Kind;

constexpr const char* kFiles = "files";
// No SHA-256 begins with it.
constexpr const char* kAside = ".new";
constexpr const char* kNewFile = "file.new";

// A directory of the listing: its files, and the directories in it.
struct Node {
  std::map<std::string, const DesiredFile*> files;
  std::map<std::string, Node> directories;
};

Node tree_of(const DesiredMount& mount) {
  Node root;
  for (const DesiredFile& file : mount.files) {
    Node* node = &root;
    std::size_t from = 0;
    for (std::size_t slash; (slash = file.path.find('/', from)) != std::string::npos; from = slash + 1) {
      node = &node->directories[file.path.substr(from, slash - from)];
    }
    node->files[file.path.substr(from)] = &file;
  }
  return root;
}

bool is_in_place(const OpenDirectory& directory, const std::string& name, const DesiredFile& file,
                 std::uint64_t size) {
  const OpenDirectory::Status status = directory.status(name);
  return status.kind == Kind::kFile && status.mode == file.mode && status.size == size &&
         status.uid == file.uid.value_or(status.uid) && status.gid == file.gid.value_or(status.gid) &&
         directory.sha256(name, size) == file.sha256;
}

// One mount's content, brought to a directory.
class Placing {
 public:
  Placing(const OpenDirectory& files, const Contents& contents) : files_(files), contents_(contents) {}

  void place(const Node& node, const OpenDirectory& directory) {
    bool is_changed = false;
    for (const std::string& name : directory.names()) {
      const bool is_wanted = node.files.contains(name) || node.directories.contains(name);
      if (!is_wanted) directory.remove_all(name);
      is_changed = is_changed || !is_wanted;
    }
    for (const auto& [name, file] : node.files) is_changed = place_file(*file, directory, name) || is_changed;
    for (const auto& [name, inner] : node.directories) {
      if (directory.status(name).kind != Kind::kDirectory) directory.remove_all(name);
      place(inner, directory.make(name));
    }
    if (is_changed) directory.sync();
  }

 private:
  bool place_file(const DesiredFile& file, const OpenDirectory& directory, const std::string& name) {
    const std::string& content = content_of(file.sha256, file.path, contents_);
    if (is_in_place(directory, name, file, content.size())) return false;
    try {
      files_.remove_file(kNewFile);  // left by a crash
      files_.write_new(kNewFile, content, file.mode, {file.uid, file.gid});
      if (directory.status(name).kind == Kind::kDirectory) directory.remove_all(name);
      directory.take(files_, kNewFile, name);
    } catch (const Error& error) {
      throw error.within(fmt::format("file '{}'", file.path));
    }
    return true;
  }

  const OpenDirectory& files_;
  const Contents& contents_;
};

}  // namespace

std::string ExactContent::name_of(const DesiredMount& mount) {
  std::string listing;
  for (const DesiredFile& file : mount.files) {
    listing += fmt::format("{}{}{:o}{}{}", file.path, '\0', file.mode, '\0', file.sha256);
    if (file.uid) listing += fmt::format(" uid {}", *file.uid);
    if (file.gid) listing += fmt::format(" gid {}", *file.gid);
    listing += '\n';
  }
  return sha256_hex(listing);
}

fs::path ExactContent::path_of(const DesiredMount& mount) const {
  const fs::path directory = directory_ / kFiles / name_of(mount);
  return mount.single ? directory / mount.files.front().path : directory;
}

void ExactContent::place(const DesiredMount& mount, const Contents& contents) const {
  const std::string name = name_of(mount);
  const OpenDirectory files = OpenDirectory::at(directory_ / kFiles);
  const Node tree = tree_of(mount);
  Placing placing(files, contents);
  if (const auto there = files.find(name)) return placing.place(tree, *there);
  files.remove_all(name);    // no directory, as it was not found
  files.remove_all(kAside);  // left by a crash
  placing.place(tree, files.make(kAside));
  files.take(files, kAside, name);
  files.sync();
}

void ExactContent::keep_only(const std::set<std::string>& names) const {
  std::error_code ignored;  // what is left over now goes another time
  std::set<fs::path> stale;
  for (fs::directory_iterator entry(directory_ / kFiles, ignored), end; entry != end;
       entry.increment(ignored)) {
    if (!names.contains(entry->path().filename().string())) stale.insert(entry->path());
  }
  for (const fs::path& path : stale) fs::remove_all(path, ignored);
}

}  // namespace hivemind::agent
