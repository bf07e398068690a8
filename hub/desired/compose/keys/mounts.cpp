#include <array>
#include <cctype>

#include <fmt/format.h>

#include "common/ids.h"
#include "hub/desired/compose/keys/family.h"
#include "hub/desired/compose/keys/values.h"

namespace hivemind::hub::compose {
namespace {

constexpr std::array<std::string_view, 6> kPropagations{"private", "rprivate", "shared",
                                                        "rshared", "slave",    "rslave"};

bool is_propagation(std::string_view text) {
  return std::ranges::find(kPropagations, text) != kPropagations.end();
}
// Hints for Docker Desktop; a Linux engine has always ignored them.
bool is_consistency(std::string_view text) {
  return text == "cached" || text == "delegated" || text == "consistent" || text == "default";
}
bool is_path(std::string_view source) {
  return source.starts_with("/") || source.starts_with(".") || source.starts_with("~");
}
bool is_windows_path(std::string_view text) {
  return text.size() > 2 && text[1] == ':' && (text[2] == '\\' || text.find('\\') != std::string_view::npos);
}

// --- "[source:]target[:options]"

bool apply_option(std::string_view option, Mount& mount) {
  if (option == "ro") {
    mount.read_only = true;
  } else if (option == "z" || option == "Z") {
    mount.selinux = option;
  } else if (option == "nocopy" || option == "volume-nocopy") {
    mount.no_copy = true;
  } else if (is_propagation(option)) {
    mount.propagation = option;
  } else {
    return option == "rw" || is_consistency(option);
  }
  return true;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<Mount> parse_mount(const yaml::Node& node, Reader& reader) {
  const auto text = reader.text(node);
  if (!text) return std::nullopt;
  const auto refuse = [&](std::string_view expected, std::string remedy = {}) {
    reader.invalid(node, expected, std::move(remedy));
    return std::nullopt;
  };
  if (is_windows_path(*text)) return refuse("a Linux path");
  const std::vector<std::string> parts = split(*text, ':');
  if (parts.size() > 3)
    return refuse("'[source:]target[:options]'", "use the long form for paths with a ':'");
  for (const std::string& part : parts) {
    if (part.empty())
      return refuse("'[source:]target[:options]' without an empty part", "is a variable unset?");
  }
  Mount mount;
  mount.target = parts.size() == 1 ? parts[0] : parts[1];
  if (parts.size() > 1) {
    mount.source = parts[0];
    mount.kind = is_path(mount.source) ? MountKind::kBind : MountKind::kVolume;
  }
  if (parts.size() < 3) return mount;
  for (const std::string& option : split(parts[2], ',')) {
    if (!apply_option(option, mount)) return refuse(fmt::format("other options than '{}'", option));
  }
  return mount;
}

// --- the long form

void read_type(const yaml::Node& node, Mount& mount, Reader& reader) {
  if (node.is_scalar() && (node.scalar == "image" || node.scalar == "npipe" || node.scalar == "cluster")) {
    reader.error(node.location, "compose.unsupported-value",
                 fmt::format("mounts of type '{}' are not supported", node.scalar));
    return;
  }
  const auto type = reader.choice(node, {"volume", "bind", "tmpfs"});
  if (type == "bind") mount.kind = MountKind::kBind;
  if (type == "tmpfs") mount.kind = MountKind::kTmpfs;
}
void read_source(const yaml::Node& node, Mount& mount, Reader& reader) {
  mount.source = reader.text(node).value_or("");
}
void read_target(const yaml::Node& node, Mount& mount, Reader& reader) {
  mount.target = reader.text(node).value_or("");
}
void read_read_only(const yaml::Node& node, Mount& mount, Reader& reader) {
  mount.read_only = reader.boolean(node).value_or(false);
}

void read_propagation(const yaml::Node& node, Mount& mount, Reader& reader) {
  mount.propagation =
      reader.choice(node, {"private", "rprivate", "shared", "rshared", "slave", "rslave"}).value_or("");
}
void read_create_host_path(const yaml::Node& node, Mount& mount, Reader& reader) {
  mount.create_host_path = reader.boolean(node).value_or(true);
}
void read_selinux(const yaml::Node& node, Mount& mount, Reader& reader) {
  mount.selinux = reader.choice(node, {"z", "Z"}).value_or("");
}
constexpr Field<Mount> kBindFields[] = {{"propagation", read_propagation},
                                        {"create_host_path", read_create_host_path},
                                        {"selinux", read_selinux}};
constexpr UnreadKey kBindUnread[] = {{"recursive"}};
void read_bind(const yaml::Node& node, Mount& mount, Reader& reader) {
  read_fields(node, kBindFields, kBindUnread, mount, reader);
}

void read_no_copy(const yaml::Node& node, Mount& mount, Reader& reader) {
  mount.no_copy = reader.boolean(node).value_or(false);
}
constexpr Field<Mount> kVolumeFields[] = {{"nocopy", read_no_copy}};
constexpr UnreadKey kVolumeUnread[] = {{"subpath"}, {"labels"}};
void read_volume(const yaml::Node& node, Mount& mount, Reader& reader) {
  read_fields(node, kVolumeFields, kVolumeUnread, mount, reader);
}

void read_tmpfs_size(const yaml::Node& node, Mount& mount, Reader& reader) {
  mount.tmpfs_bytes = read_bytes(node, reader);
}
void read_tmpfs_mode(const yaml::Node& node, Mount& mount, Reader& reader) {
  mount.tmpfs_mode = read_mode(node, reader);
}
constexpr Field<Mount> kTmpfsFields[] = {{"size", read_tmpfs_size}, {"mode", read_tmpfs_mode}};
void read_tmpfs_options(const yaml::Node& node, Mount& mount, Reader& reader) {
  read_fields(node, kTmpfsFields, mount, reader);
}

constexpr Field<Mount> kMountFields[] = {
    {"type", read_type}, {"source", read_source}, {"target", read_target},      {"read_only", read_read_only},
    {"bind", read_bind}, {"volume", read_volume}, {"tmpfs", read_tmpfs_options}};
constexpr UnreadKey kMountUnread[] = {{"consistency", Unread::kSilent}, {"image"}};

// --- what both forms must hold

void check_mount(const yaml::Node& node, const Mount& mount, Reader& reader) {
  const auto refuse = [&](std::string message, std::string remedy) {
    reader.error(node.location, "compose.invalid-value", std::move(message), std::move(remedy));
  };
  if (!mount.target.starts_with("/")) {
    refuse(fmt::format("mount target '{}' is not absolute", mount.target),
           "write where it is in the container, from '/'");
  } else if (mount.kind == MountKind::kBind && mount.source.empty()) {
    refuse("a bind mount needs 'source'", "is a variable unset?");
  } else if (mount.source.starts_with("~")) {
    reader.error(node.location, "compose.home-path",
                 fmt::format("mount source '{}' is in a home directory", mount.source),
                 "nodes have none to speak of: write an absolute path, or one relative to the Compose file");
  } else if (mount.kind == MountKind::kVolume && !mount.source.empty() && !is_compose_key(mount.source)) {
    refuse(fmt::format("volume '{0}' is not a name", mount.source),
           mount.source.find('/') != std::string::npos
               ? fmt::format("a relative path begins with './': './{}'", mount.source)
               : "use a-z, A-Z, 0-9, '.', '_' and '-'");
  } else if (mount.kind == MountKind::kVolume && mount.source.size() == 1 &&
             std::isalpha(static_cast<unsigned char>(mount.source[0])) != 0) {
    refuse(fmt::format("volume '{}' has a name of one letter, which Compose takes for a drive", mount.source),
           "use a longer name");
  }
}

void read_volumes(const yaml::Node& node, Service& service, Reader& reader) {
  if (!reader.is_sequence(node)) return;
  for (const yaml::Node& item : node.items) {
    const int errors_before = reader.errors();
    std::optional<Mount> mount;
    if (item.is_map()) {
      mount.emplace();
      read_fields(item, kMountFields, kMountUnread, *mount, reader);
    } else {
      mount = parse_mount(item, reader);
    }
    if (reader.errors() == errors_before && mount) check_mount(item, *mount, reader);
    if (reader.errors() != errors_before) continue;  // one message a mount
    mount->location = item.location;
    service.mounts.mounts.push_back(std::move(*mount));
  }
}

void read_tmpfs(const yaml::Node& node, Service& service, Reader& reader) {
  for (const Text& item : reader.text_or_texts(node)) {
    const std::size_t colon = item.value.find(':');
    const std::string target = item.value.substr(0, colon);
    if (!target.starts_with("/")) {
      reader.error(item.location, "compose.invalid-value",
                   fmt::format("tmpfs target '{}' is not absolute", target));
      continue;
    }
    service.mounts.tmpfs[target] = {colon == std::string::npos ? "" : item.value.substr(colon + 1),
                                    item.location};
  }
}

constexpr Field<Service> kFields[] = {{"volumes", read_volumes}, {"tmpfs", read_tmpfs}};

// --- the engine's body

// 'Binds' makes the directory when it is absent, as the short form has it; 'Mounts' takes paths with a ':'
// and fails when the source is absent.
bool needs_mounts(const Mount& mount) {
  return mount.source.empty() || mount.kind == MountKind::kTmpfs ||
         (mount.kind == MountKind::kBind && !mount.create_host_path) ||
         mount.source.find(':') != std::string::npos || mount.target.find(':') != std::string::npos;
}

std::string bind_text(const Mount& mount, const std::string& source) {
  std::string text = source + ":" + mount.target + (mount.read_only ? ":ro" : ":rw");
  if (!mount.selinux.empty()) text += "," + mount.selinux;
  if (!mount.propagation.empty()) text += "," + mount.propagation;
  if (mount.no_copy) text += ",nocopy";
  return text;
}

nlohmann::json mount_json(const Mount& mount, const std::string& source) {
  nlohmann::json json = {{"Target", mount.target}};
  put(json, "Source", source);
  if (mount.read_only) json["ReadOnly"] = true;
  switch (mount.kind) {
    case MountKind::kVolume:
      json["Type"] = "volume";
      if (mount.no_copy) json["VolumeOptions"]["NoCopy"] = true;
      break;
    case MountKind::kBind:
      json["Type"] = "bind";
      if (!mount.propagation.empty()) json["BindOptions"]["Propagation"] = mount.propagation;
      break;
    case MountKind::kTmpfs:
      json["Type"] = "tmpfs";
      if (mount.tmpfs_bytes) json["TmpfsOptions"]["SizeBytes"] = *mount.tmpfs_bytes;
      if (mount.tmpfs_mode) json["TmpfsOptions"]["Mode"] = *mount.tmpfs_mode;
      break;
  }
  return json;
}

// Relative binds are file mounts, see contents.h.
void emit(const Service& service, const Project& project, EngineBody& body) {
  for (const Mount& mount : service.mounts.mounts) {
    if (mount.kind == MountKind::kBind && !mount.source.starts_with("/")) continue;
    const bool named = mount.kind == MountKind::kVolume && !mount.source.empty();
    const std::string source = named ? project.volumes.at(mount.source).name : mount.source;
    if (needs_mounts(mount)) {
      body.host["Mounts"].push_back(mount_json(mount, source));
    } else {
      body.host["Binds"].push_back(bind_text(mount, source));
    }
  }
  for (const auto& [target, options] : service.mounts.tmpfs) body.host["Tmpfs"][target] = options.value;
}

}  // namespace

constinit const Family kMounts{kFields, emit};

}  // namespace hivemind::hub::compose
