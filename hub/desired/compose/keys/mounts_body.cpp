#include <fmt/format.h>

#include "hub/desired/compose/keys/mounts.h"

namespace hivemind::hub::compose {
namespace {

constexpr int kRecursionApi = 44;
constexpr int kSubpathApi = 45;
constexpr int kImageMountApi = 48;

// --- the engine's body

bool wants_more_than_a_bind(const Mount& mount) {
  if (mount.kind == MountKind::kBind) {
    if (!mount.bind || has_place_for_selinux(mount)) return false;
    return !mount.makes_source() || !mount.bind->recursive.empty() || !mount.bind->propagation.empty();
  }
  const VolumeOptions options = mount.volume.value_or(VolumeOptions{});
  return mount.source.empty() || options.no_copy || !options.subpath.empty() || !options.labels.empty();
}

// 'Binds' makes an absent directory, and alone has a place for SELinux; 'Mounts' has one for everything else.
// Where both would do, the reference's choice, so that containers are equal to those that it has made.
bool needs_mounts(const Mount& mount) {
  return mount.kind == MountKind::kTmpfs || mount.kind == MountKind::kImage ||
         wants_more_than_a_bind(mount) || mount.source.find(':') != std::string::npos ||
         mount.target.find(':') != std::string::npos;
}

std::string bind_text(const Mount& mount, const std::string& source) {
  std::string text = source + ":" + mount.target + (mount.read_only ? ":ro" : ":rw");
  if (!mount.bind) return text;
  if (!mount.bind->selinux.empty()) text += "," + mount.bind->selinux;
  if (!mount.bind->propagation.empty()) text += "," + mount.bind->propagation;
  return text;
}

void put_options(const BindOptions& bind, nlohmann::json& json, EngineBody& body) {
  nlohmann::json options = nlohmann::json::object();
  put(options, "Propagation", bind.propagation);
  if (bind.create_host_path.value_or(false)) options["CreateMountpoint"] = true;
  if (bind.recursive == "disabled") options["NonRecursive"] = true;
  if (bind.recursive == "writable") options["ReadOnlyNonRecursive"] = true;
  if (bind.recursive == "readonly") options["ReadOnlyForceRecursive"] = true;
  if (bind.recursive == "writable" || bind.recursive == "readonly") body.needs_api(kRecursionApi);
  if (!options.empty()) json["BindOptions"] = std::move(options);
}

void put_options(const VolumeOptions& volume, nlohmann::json& json, EngineBody& body) {
  nlohmann::json options = nlohmann::json::object();
  if (volume.no_copy) options["NoCopy"] = true;
  put(options, "Labels", volume.labels);
  put(options, "Subpath", volume.subpath);
  if (!volume.subpath.empty()) body.needs_api(kSubpathApi);
  if (!options.empty()) json["VolumeOptions"] = std::move(options);
}

void put_options(const TmpfsOptions& tmpfs, nlohmann::json& json) {
  nlohmann::json options = nlohmann::json::object();
  if (tmpfs.bytes != 0) options["SizeBytes"] = tmpfs.bytes;
  if (tmpfs.mode != 0) options["Mode"] = tmpfs.mode;
  if (!options.empty()) json["TmpfsOptions"] = std::move(options);
}

nlohmann::json mount_json(const Mount& mount, const std::string& source, EngineBody& body) {
  nlohmann::json json = {{"Target", mount.target}};
  if (mount.kind != MountKind::kTmpfs) put(json, "Source", source);
  if (mount.read_only) json["ReadOnly"] = true;
  switch (mount.kind) {
    case MountKind::kVolume:
      json["Type"] = "volume";
      if (mount.volume) put_options(*mount.volume, json, body);
      break;
    case MountKind::kBind:
      json["Type"] = "bind";
      put_options(mount.bind.value_or(BindOptions{.create_host_path = true}), json, body);
      break;
    case MountKind::kTmpfs:
      json["Type"] = "tmpfs";
      if (mount.tmpfs) put_options(*mount.tmpfs, json);
      break;
    case MountKind::kImage:
      json["Type"] = "image";
      if (mount.image && !mount.image->subpath.empty())
        json["ImageOptions"]["Subpath"] = mount.image->subpath;
      body.needs_api(kImageMountApi);
      break;
  }
  return json;
}

// --- the normalised model

const char* name_of(MountKind kind) {
  switch (kind) {
    case MountKind::kVolume:
      break;
    case MountKind::kBind:
      return "bind";
    case MountKind::kTmpfs:
      return "tmpfs";
    case MountKind::kImage:
      return "image";
  }
  return "volume";
}

nlohmann::json print_options(const BindOptions& bind) {
  nlohmann::json into = nlohmann::json::object();
  put(into, "selinux", bind.selinux);
  put(into, "propagation", bind.propagation);
  put(into, "recursive", bind.recursive);
  if (bind.create_host_path.value_or(false)) into["create_host_path"] = true;
  return into;
}

nlohmann::json print_options(const VolumeOptions& volume) {
  nlohmann::json into = nlohmann::json::object();
  if (volume.no_copy) into["nocopy"] = true;
  put(into, "subpath", volume.subpath);
  put(into, "labels", volume.labels);
  return into;
}

nlohmann::json print_options(const TmpfsOptions& tmpfs) {
  nlohmann::json into = nlohmann::json::object();
  if (tmpfs.bytes != 0) into["size"] = std::to_string(tmpfs.bytes);
  if (tmpfs.mode != 0) into["mode"] = tmpfs.mode;
  return into;
}

nlohmann::json print_options(const ImageOptions& image) {
  nlohmann::json into = nlohmann::json::object();
  put(into, "subpath", image.subpath);
  return into;
}

nlohmann::json print_mount(const Mount& mount, const Project& project) {
  nlohmann::json into = {
      {"type", mount.unsupported_type.empty() ? name_of(mount.kind) : mount.unsupported_type},
      {"target", mount.target}};
  const bool relative = mount.kind == MountKind::kBind && !mount.source.starts_with("/");
  put(into, "source",
      relative && !is_windows_path(mount.source) ? project.printed_path(mount.source) : mount.source);
  if (mount.read_only) into["read_only"] = true;
  put(into, "consistency", mount.consistency);
  if (mount.bind) into["bind"] = print_options(*mount.bind);
  if (mount.volume) into["volume"] = print_options(*mount.volume);
  if (mount.tmpfs) into["tmpfs"] = print_options(*mount.tmpfs);
  if (mount.image) into["image"] = print_options(*mount.image);
  return into;
}

}  // namespace

bool has_place_for_selinux(const Mount& mount) {
  return mount.bind && !mount.bind->selinux.empty() && mount.bind->recursive.empty() &&
         mount.bind->create_host_path.value_or(true);
}

// Relative binds are file mounts, see contents.h.
void emit_mounts(const Service& service, const Project& project, EngineBody& body) {
  for (const Mount& mount : service.mounts.mounts) {
    if (mount.kind == MountKind::kBind && !mount.source.starts_with("/")) continue;
    const bool named = mount.kind == MountKind::kVolume && !mount.source.empty();
    const std::string source = named ? project.volumes.at(mount.source).name : mount.source;
    if (needs_mounts(mount)) {
      body.host["Mounts"].push_back(mount_json(mount, source, body));
    } else {
      body.host["Binds"].push_back(bind_text(mount, source));
    }
  }
  for (const Text& tmpfs : service.mounts.tmpfs) {
    const std::size_t colon = tmpfs.value.find(':');
    body.host["Tmpfs"][tmpfs.value.substr(0, colon)] =
        colon == std::string::npos ? "" : tmpfs.value.substr(colon + 1);
  }
}

void print_mounts(const Service& service, const Project& project, nlohmann::json& into) {
  for (const Mount& mount : service.mounts.mounts) into["volumes"].push_back(print_mount(mount, project));
  for (const Text& tmpfs : service.mounts.tmpfs) into["tmpfs"].push_back(tmpfs.value);
}

}  // namespace hivemind::hub::compose
