#include <algorithm>

#include <fmt/format.h>

#include "hub/desired/compose/contents.h"

namespace hivemind::hub::compose {
namespace {

constexpr std::uint32_t kFileMode = 0644;
constexpr std::uint32_t kExecutableMode = 0755;

std::uint32_t mode_of(const Entry& entry) {
  return entry.kind == EntryKind::kExecutable ? kExecutableMode : kFileMode;
}

std::string file_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

// What names the mount on the node: the path from the stack's directory. It never holds '..': what lies
// elsewhere in the repository stands below a directory of its own.
std::string source_name(const std::string& asked, const std::string& directory) {
  if (directory.empty()) return asked.empty() ? "." : asked;
  if (asked == directory) return ".";
  if (asked.starts_with(directory + "/")) return asked.substr(directory.size() + 1);
  return ".repository/" + asked;
}

bool keeps_directory(const Repository::Leaf& leaf) {
  return leaf.path == ".gitkeep" || leaf.path == ".keep" || leaf.path == ".gitignore";
}

class FileMounts {
 public:
  FileMounts(Repository& repository, Reader& reader) : repository_(repository), reader_(reader) {}

  void add_bind(const Mount& mount) {
    const auto found = repository_.find(mount.source, mount.location);
    if (!found) return;
    v1::FileMount result;
    result.set_target(mount.target);
    result.set_read_only(mount.read_only);
    result.set_source(source_name(found->asked, repository_.directory()));
    result.set_options(options_of(mount));
    if (!add_entries(found->entry, mount.location, result)) return;
    warn(mount, found->asked, result);
    mounts_.push_back(std::move(result));
  }

  void add_config(const ConfigUse& use, const Config& config) {
    v1::FileMount result;
    result.set_target(use.target);
    result.set_read_only(true);
    if (config.content) {
      result.set_source(".hivemind/configs/" + config.key);
      result.set_single(true);
      const auto sha256 = repository_.ship_content(*config.content, config.location);
      if (!sha256) return;
      add_entry(result, config.key, *sha256, kFileMode);
    } else if (!add_config_file(config, result)) {
      return;
    }
    if (use.mode) result.mutable_entries(0)->set_mode(*use.mode);
    mounts_.push_back(std::move(result));
  }

  std::vector<v1::FileMount> take() { return std::move(mounts_); }

 private:
  static std::string options_of(const Mount& mount) {
    std::string options = mount.selinux;
    if (!options.empty() && !mount.propagation.empty()) options += ",";
    return options + mount.propagation;
  }

  static void add_entry(v1::FileMount& mount, const std::string& path, const std::string& sha256,
                        std::uint32_t mode) {
    v1::FileEntry& entry = *mount.add_entries();
    entry.set_path(path);
    entry.set_sha256(sha256);
    entry.set_mode(mode);
  }

  bool add_config_file(const Config& config, v1::FileMount& mount) {
    const Location& at = config.file.location;
    const auto found = repository_.find(config.file.value, at);
    if (!found) return false;
    if (found->entry.kind != EntryKind::kFile && found->entry.kind != EntryKind::kExecutable) {
      reader_.error(at, "compose.missing-file",
                    fmt::format("config '{}': file '{}' is not in the repository", config.key, found->asked));
      return false;
    }
    mount.set_source(source_name(found->asked, repository_.directory()));
    return add_entries(found->entry, at, mount);
  }

  // Leaves the mount without entries where the repository has nothing.
  bool add_entries(const Entry& entry, const Location& at, v1::FileMount& mount) {
    switch (entry.kind) {
      case EntryKind::kFile:
      case EntryKind::kExecutable: {
        const auto sha256 = repository_.ship(entry, at);
        if (!sha256) return false;
        mount.set_single(true);
        add_entry(mount, file_name(mount.source()), *sha256, mode_of(entry));
        return true;
      }
      case EntryKind::kDirectory:
        return add_directory(entry, at, mount);
      case EntryKind::kSubmodule:
        reader_.error(at, "compose.path",
                      fmt::format("'{}' is a submodule, whose files are not in the repository", entry.path));
        return false;
      case EntryKind::kAbsent:
      case EntryKind::kSymlink:
        return true;
    }
    return true;
  }

  bool add_directory(const Entry& directory, const Location& at, v1::FileMount& mount) {
    auto leaves = repository_.walk(directory, at);
    if (!leaves) return false;
    if (std::ranges::all_of(*leaves, keeps_directory)) return true;
    std::ranges::sort(*leaves, {}, &Repository::Leaf::path);
    for (const Repository::Leaf& leaf : *leaves) {
      const auto sha256 = repository_.ship(leaf.entry, at);
      if (!sha256) return false;
      add_entry(mount, leaf.path, *sha256, mode_of(leaf.entry));
    }
    return true;
  }

  void warn(const Mount& mount, const std::string& path, const v1::FileMount& result) {
    if (!mount.read_only && result.entries_size() > 0) {
      reader_.warning(
          mount.location, "compose.writable-content",
          fmt::format("'{}' is mounted writable: changes that the application makes are replaced at the "
                      "next change in Git",
                      mount.source),
          "mount it ':ro', or use a path that is not in the repository for what the application writes");
    }
    if (mount.read_only && result.entries_size() == 0) {
      reader_.warning(mount.location, "compose.empty-content",
                      fmt::format("'{}' is mounted read-only, but the repository has nothing at '{}'",
                                  mount.source, path),
                      "add it to the repository");
    }
  }

  Repository& repository_;
  Reader& reader_;
  std::vector<v1::FileMount> mounts_;
};

}  // namespace

std::vector<v1::FileMount> file_mounts(const Service& service, const Project& project, Repository& repository,
                                       Reader& reader) {
  FileMounts mounts(repository, reader);
  for (const Mount& mount : service.mounts.mounts) {
    if (mount.kind == MountKind::kBind && !mount.source.starts_with("/")) mounts.add_bind(mount);
  }
  for (const ConfigUse& use : service.mounts.configs) {
    mounts.add_config(use, project.configs.at(use.source.value));
  }
  return mounts.take();
}

}  // namespace hivemind::hub::compose
