#include "hub/desired/compose/keys/mounts.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/ids.h"
#include "hub/desired/compose/keys/values.h"

namespace hivemind::hub::compose {
namespace {

// --- the long form

void read_type(const yaml::Node& node, Mount& mount, Reader& reader) {
  const auto type = reader.choice(node, {"volume", "bind", "tmpfs", "image", "npipe", "cluster"});
  if (type == "npipe" || type == "cluster") {
    reader.error(node.location, "compose.unsupported-value",
                 fmt::format("mounts of type '{}' are not supported", *type),
                 *type == "npipe" ? "named pipes are Windows'; nodes run Linux"
                                  : "cluster volumes are Swarm's: use a volume");
    mount.unsupported_type = *type;
  }
  if (type == "bind") mount.kind = MountKind::kBind;
  if (type == "tmpfs") mount.kind = MountKind::kTmpfs;
  if (type == "image") mount.kind = MountKind::kImage;
}
template <auto Member>
void read_mount_text(const yaml::Node& node, Mount& mount, Reader& reader) {
  mount.*Member = reader.text(node).value_or("");
}
void read_read_only(const yaml::Node& node, Mount& mount, Reader& reader) {
  mount.read_only = reader.boolean(node).value_or(false);
}

void read_propagation(const yaml::Node& node, BindOptions& bind, Reader& reader) {
  const auto text = reader.text(node);
  if (!text || text->empty()) return;
  bind.propagation = *text;
  if (is_propagation(*text)) return;
  reader.refused_by_engine(node, "'private', 'rprivate', 'shared', 'rshared', 'slave' or 'rslave'");
}
void read_create_host_path(const yaml::Node& node, BindOptions& bind, Reader& reader) {
  bind.create_host_path = reader.boolean(node);
}
void read_recursive(const yaml::Node& node, BindOptions& bind, Reader& reader) {
  bind.recursive = reader.choice(node, {"enabled", "disabled", "writable", "readonly"}).value_or("");
}
void read_selinux(const yaml::Node& node, BindOptions& bind, Reader& reader) {
  bind.selinux = reader.choice(node, {"z", "Z"}).value_or("");
}
constexpr Field<BindOptions> kBindFields[] = {{"propagation", read_propagation},
                                              {"create_host_path", read_create_host_path},
                                              {"recursive", read_recursive},
                                              {"selinux", read_selinux}};

void read_no_copy(const yaml::Node& node, VolumeOptions& volume, Reader& reader) {
  volume.no_copy = reader.boolean(node).value_or(false);
}
void read_subpath(const yaml::Node& node, VolumeOptions& volume, Reader& reader) {
  volume.subpath = reader.text(node).value_or("");
}
void read_labels(const yaml::Node& node, VolumeOptions& volume, Reader& reader) {
  volume.labels = text_map(reader.pairs(node));
}
constexpr Field<VolumeOptions> kVolumeFields[] = {
    {"nocopy", read_no_copy}, {"subpath", read_subpath}, {"labels", read_labels}};

void read_tmpfs_size(const yaml::Node& node, TmpfsOptions& tmpfs, Reader& reader) {
  if (node.type() == yaml::Type::kFloat) return reader.wrong_type(node, "an integer or a size such as '16m'");
  tmpfs.bytes = read_bytes(node, reader).value_or(0);
}
void read_tmpfs_mode(const yaml::Node& node, TmpfsOptions& tmpfs, Reader& reader) {
  tmpfs.mode = read_mode(node, reader).value_or(0);
}
constexpr Field<TmpfsOptions> kTmpfsFields[] = {{"size", read_tmpfs_size}, {"mode", read_tmpfs_mode}};

void read_image_subpath(const yaml::Node& node, ImageOptions& image, Reader& reader) {
  image.subpath = reader.text(node).value_or("");
}
constexpr Field<ImageOptions> kImageFields[] = {{"subpath", read_image_subpath}};

template <auto Member, const auto& Fields>
void read_options(const yaml::Node& node, Mount& mount, Reader& reader) {
  read_fields(node, Fields, (mount.*Member).emplace(), reader);
}

constexpr Field<Mount> kMountFields[] = {
    {"type", read_type},
    {"source", read_mount_text<&Mount::source>},
    {"target", read_mount_text<&Mount::target>},
    {"read_only", read_read_only},
    {"consistency", read_mount_text<&Mount::consistency>},
    {"bind", read_options<&Mount::bind, kBindFields>, Null::kRefused, {}, members_of<kBindFields>},
    {"volume", read_options<&Mount::volume, kVolumeFields>, Null::kRefused, {}, members_of<kVolumeFields>},
    {"tmpfs", read_options<&Mount::tmpfs, kTmpfsFields>, Null::kRefused, {}, members_of<kTmpfsFields>},
    {"image", read_options<&Mount::image, kImageFields>, Null::kRefused, {}, members_of<kImageFields>}};

Mount read_long_mount(const yaml::Node& node, Reader& reader) {
  Mount mount;
  read_fields(node, kMountFields, mount, reader);
  for (const char* key : {"type", "target"}) {
    if (node.find(key) != nullptr) continue;
    reader.error(node.location, "compose.missing-key", fmt::format("a mount needs '{}'", key));
  }
  return mount;
}

// --- what both forms must hold

void check_source(const yaml::Node& node, const Mount& mount, Reader& reader) {
  const auto refuse = [&](std::string_view code, std::string message, std::string remedy) {
    reader.error(node.location, code, std::move(message), std::move(remedy));
  };
  const std::string& source = mount.source;
  const bool is_volume = mount.kind == MountKind::kVolume;
  if (mount.kind == MountKind::kBind && source.empty()) {
    refuse("compose.invalid-value", "a bind mount needs 'source'", "is a variable unset?");
  } else if (mount.kind == MountKind::kImage && source.empty()) {
    refuse("compose.refused-by-engine", "an image mount needs 'source', the image", "is a variable unset?");
  } else if (mount.kind == MountKind::kBind && is_windows_path(source)) {
    refuse("compose.unsupported-value", fmt::format("mount source '{}' is a Windows path", source),
           "nodes run Linux");
  } else if (mount.kind == MountKind::kBind && source.starts_with("~")) {
    refuse("compose.home-path", fmt::format("mount source '{}' is in a home directory", source),
           "nodes have none to speak of: write an absolute path, or one relative to the Compose file");
  } else if (is_volume && !source.empty() && !is_compose_key(source)) {
    refuse("compose.invalid-value", fmt::format("volume '{0}' is not a name", source),
           source.find('/') != std::string::npos
               ? fmt::format("a relative path begins with './': './{}'", source)
               : "use a-z, A-Z, 0-9, '.', '_' and '-'");
  }
}

void check_target(const yaml::Node& node, Mount& mount, Reader& reader) {
  const std::string& target = mount.target;
  const auto refuse = [&](std::string_view code, std::string message, std::string remedy) {
    reader.error(node.location, code, std::move(message), std::move(remedy));
  };
  if (target.starts_with("/")) {
    mount.target = clean_target(target);
  } else if (mount.source.empty() && target.size() > 2 && target[2] == '/' && is_windows_path(target)) {
    refuse("compose.unsupported-value",
           fmt::format("volume '{}' has a name of one letter, which Compose takes for a drive", target[0]),
           "use a longer name");
  } else if (is_windows_path(target)) {
    refuse("compose.unsupported-value", fmt::format("mount target '{}' is a Windows path", target),
           "nodes run Linux");
  } else {
    refuse("compose.refused-by-engine", fmt::format("mount target '{}' is not absolute", target),
           "write where it is in the container, from '/'");
  }
}

void check_options(const yaml::Node& node, const Mount& mount, Reader& reader) {
  const auto ignored = [&](bool given, MountKind kind, std::string_view key) {
    if (!given || mount.kind == kind) return;
    reader.warning(node.location, "compose.ignored-key",
                   fmt::format("key '{}' is ignored: the mount is of another type", key), "remove it");
  };
  ignored(mount.tmpfs.has_value(), MountKind::kTmpfs, "tmpfs");
  ignored(mount.image.has_value(), MountKind::kImage, "image");
  if (mount.kind == MountKind::kBind && mount.bind && !mount.bind->selinux.empty() &&
      !has_place_for_selinux(mount)) {
    reader.warning(
        node.location, "compose.ignored-option",
        fmt::format("option '{}' for SELinux is ignored with 'create_host_path: false' and 'recursive'",
                    mount.bind->selinux),
        "the engine takes either");
  }
  if (node.is_map()) {
    ignored(mount.bind.has_value(), MountKind::kBind, "bind");
    ignored(mount.volume.has_value(), MountKind::kVolume, "volume");
  }
}

// One message a mount.
void check_mount(const yaml::Node& node, Mount& mount, Reader& reader) {
  const int errors_before = reader.errors();
  check_target(node, mount, reader);
  if (reader.errors() == errors_before) check_source(node, mount, reader);
  if (reader.errors() == errors_before) check_options(node, mount, reader);
}

// The later of two mounts at one place stands for both, as in the reference.
void add(Mount mount, Service& service, Reader& reader) {
  std::vector<Mount>& all = service.mounts.mounts;
  const auto same = std::ranges::find(all, mount.target, &Mount::target);
  if (same == all.end()) {
    all.push_back(std::move(mount));
    return;
  }
  reader.warning(mount.location, "compose.duplicate-target",
                 fmt::format("'{}' is mounted twice: the first, in line {}, is left out", mount.target,
                             same->location.line),
                 "remove one of the two");
  *same = std::move(mount);
}

void read_volumes(const yaml::Node& node, Service& service, Reader& reader) {
  if (!reader.is_sequence(node)) return;
  for (const yaml::Node& item : node.items) {
    const int errors_before = reader.errors();
    std::optional<Mount> mount =
        item.is_map() ? std::optional(read_long_mount(item, reader)) : read_short_mount(item, reader);
    if (!mount || mount->target.empty()) continue;
    // What is wrong for a node is kept for the normalised model, which has it.
    if (reader.errors() == errors_before) check_mount(item, *mount, reader);
    mount->location = item.location;
    add(std::move(*mount), service, reader);
  }
}

void read_tmpfs(const yaml::Node& node, Service& service, Reader& reader) {
  for (Text& item : reader.text_or_texts(node)) {
    if (!item.value.starts_with("/")) {
      reader.error(
          item.location, "compose.refused-by-engine",
          fmt::format("tmpfs target '{}' is not absolute", item.value.substr(0, item.value.find(':'))));
    }
    service.mounts.tmpfs.push_back(std::move(item));
  }
}

constexpr Field<Service> kFields[] = {{"volumes", read_volumes, Null::kRefused, {}, members_of<kMountFields>},
                                      {"tmpfs", read_tmpfs}};

}  // namespace

constinit const Family kMounts{kFields, emit_mounts, print_mounts};

}  // namespace hivemind::hub::compose
