#include <algorithm>

#include <fmt/format.h>

#include "common/error.h"
#include "hub/desired/compose/contents.h"

namespace hivemind::hub::compose {
namespace {

constexpr std::uint32_t kFileMode = 0644;
constexpr std::uint32_t kExecutableMode = 0755;
constexpr std::uint32_t kContentMode = 0444;  // of what is no file in Git, as with 'docker compose'

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

bool is_relative_bind(const Mount& mount) {
  return mount.kind == MountKind::kBind && !mount.source.starts_with("/");
}

bool is_within(const std::string& path, const std::string& directory) {
  return directory.empty() || path == directory || path.starts_with(directory + "/");
}

// Where the stack's services write to, by path from the repository's root.
std::vector<std::string> written_paths(const Project& project, const std::string& directory) {
  std::vector<std::string> paths;
  for (const auto& [name, service] : project.services) {
    for (const Mount& mount : service.mounts.mounts) {
      if (!is_relative_bind(mount) || mount.read_only) continue;
      try {
        paths.push_back(join_path(directory, mount.source));
      } catch (const Error&) {
        // Its own service says so.
      }
    }
  }
  return paths;
}

class FileMounts {
 public:
  FileMounts(const Project& project, Repository& repository, Reader& reader)
      : written_(written_paths(project, repository.directory())), repository_(repository), reader_(reader) {}

  void add_bind(const Mount& mount) {
    const auto found = repository_.find(mount.source, mount.location);
    if (!found) return;
    v1::FileMount result;
    result.set_target(mount.target);
    result.set_read_only(mount.read_only);
    result.set_source(source_name(found->asked, repository_.directory()));
    result.set_options(options_of(mount));
    result.set_shared(mount.read_only && is_written(found->asked));
    if (!add_entries(found->entry, mount.location, result)) return;
    check(mount, found->asked, result);
    mounts_.push_back(std::move(result));
  }

  void add_config(const ConfigUse& use, const Config& config) {
    v1::FileMount result;
    result.set_target(use.target);
    result.set_read_only(true);
    if (config.content) {
      result.set_source(fmt::format(".hivemind/configs/{}", config.key));
      result.set_single(true);
      const auto sha256 = repository_.ship_content(*config.content, config.location);
      if (!sha256) return;
      add_entry(result, config.key, *sha256, kContentMode);
    } else if (!add_config_file(config, result)) {
      return;
    }
    set_owner(use, *result.mutable_entries(0));
    mounts_.push_back(std::move(result));
  }

  // Its content does not travel with the release.
  void add_secret(const ConfigUse& use, const Config& secret) {
    const auto id = secret_id(secret);
    if (!id) return;
    v1::FileMount result;
    result.set_target(use.target);
    result.set_read_only(true);
    result.set_source(fmt::format(".hivemind/secrets/{}", secret.key));
    result.set_single(true);
    v1::FileEntry& entry = *result.add_entries();
    entry.set_path(secret.key);
    entry.set_secret(*id);
    entry.set_mode(kContentMode);
    set_owner(use, entry);
    mounts_.push_back(std::move(result));
  }

  std::vector<v1::FileMount> take() { return std::move(mounts_); }

 private:
  // As with 'docker compose', what one service writes another one sees, whatever part of it each mounts.
  bool is_written(const std::string& path) const {
    return std::ranges::any_of(written_, [&](const std::string& written) {
      return is_within(path, written) || is_within(written, path);
    });
  }

  static std::string options_of(const Mount& mount) {
    if (!mount.bind) return "";
    std::string options = mount.bind->selinux;
    if (!options.empty() && !mount.bind->propagation.empty()) options += ",";
    return options + mount.bind->propagation;
  }

  static void add_entry(v1::FileMount& mount, const std::string& path, const std::string& sha256,
                        std::uint32_t mode) {
    v1::FileEntry& entry = *mount.add_entries();
    entry.set_path(path);
    entry.set_sha256(sha256);
    entry.set_mode(mode);
  }

  static void set_owner(const ConfigUse& use, v1::FileEntry& entry) {
    if (use.mode) entry.set_mode(*use.mode);
    if (use.uid) entry.set_uid(*use.uid);
    if (use.gid) entry.set_gid(*use.gid);
  }

  std::optional<Repository::Found> find_file(const Config& config, std::string_view what) {
    const Location& at = config.file.location;
    auto found = repository_.find(config.file.value, at);
    if (!found) return std::nullopt;
    if (found->entry.kind == EntryKind::kFile || found->entry.kind == EntryKind::kExecutable) return found;
    reader_.error(at, "compose.missing-file",
                  fmt::format("{} '{}': file '{}' is not in the repository", what, config.key, found->asked));
    return std::nullopt;
  }

  bool add_config_file(const Config& config, v1::FileMount& mount) {
    const auto found = find_file(config, "config");
    if (!found) return false;
    mount.set_source(source_name(found->asked, repository_.directory()));
    return add_entries(found->entry, config.file.location, mount);
  }

  // Of the hub's store, of a variable that is one, or of what the repository has.
  std::optional<std::string> secret_id(const Config& secret) {
    if (secret.content) {
      if (auto id = as_placeholder(*secret.content)) return id;
      return repository_.keep_secret(secret.key, *secret.content);
    }
    const auto found = find_file(secret, "secret");
    if (!found) return std::nullopt;
    return repository_.keep_secret(secret.key, found->entry, secret.file.location);
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
    const bool is_exact = mount.read_only() && !mount.shared();
    if (!is_exact && std::ranges::all_of(*leaves, keeps_directory)) return true;
    std::ranges::sort(*leaves, {}, &Repository::Leaf::path);
    for (const Repository::Leaf& leaf : *leaves) {
      const auto sha256 = repository_.ship(leaf.entry, at);
      if (!sha256) return false;
      add_entry(mount, leaf.path, *sha256, mode_of(leaf.entry));
    }
    return true;
  }

  void check(const Mount& mount, const std::string& path, const v1::FileMount& result) {
    if (result.entries_size() > 0) return;
    if (!mount.makes_source()) {
      reader_.error(mount.location, "compose.missing-file",
                    fmt::format("'{}' is not in the repository, and 'create_host_path' is false", path),
                    "add it to the repository, or allow that the node makes a directory");
    } else if (mount.read_only && !result.shared()) {
      reader_.warning(mount.location, "compose.empty-content",
                      fmt::format("'{}' is mounted read-only, but the repository has nothing at '{}'",
                                  mount.source, path),
                      "add it to the repository");
    }
  }

  const std::vector<std::string> written_;
  Repository& repository_;
  Reader& reader_;
  std::vector<v1::FileMount> mounts_;
};

}  // namespace

std::vector<v1::FileMount> file_mounts(const Service& service, const Project& project, Repository& repository,
                                       Reader& reader) {
  FileMounts mounts(project, repository, reader);
  for (const Mount& mount : service.mounts.mounts) {
    if (is_relative_bind(mount)) mounts.add_bind(mount);
  }
  for (const ConfigUse& use : service.mounts.configs) {
    mounts.add_config(use, project.configs.at(use.source.value));
  }
  for (const ConfigUse& use : service.mounts.secrets) {
    mounts.add_secret(use, project.secrets.at(use.source.value));
  }
  return mounts.take();
}

}  // namespace hivemind::hub::compose
