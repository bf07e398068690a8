#include "agent/plan/demands.h"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/plan/go_keys.h"
#include "agent/plan/volume_demands.h"

namespace hivemind::agent {
namespace {

using nlohmann::json;
using Kind = Demand::Kind;

// What stands for a secret's value until the container is made; see v1::Service.secrets.
constexpr std::string_view kPlaceholder = "@{hivemind-secret:";

bool asks_for_something(const json& value) {
  if (value.is_string()) return !value.get_ref<const std::string&>().empty();
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number()) return value != 0;
  return !value.empty();  // null is empty
}

// A text for what is none, so that it is judged and not overlooked.
std::string text_of(const json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::vector<std::string> texts_of(const json& value) {
  std::vector<std::string> texts;
  if (!asks_for_something(value)) return texts;
  if (!value.is_array()) return {text_of(value)};
  for (const json& one : value) texts.push_back(text_of(one));
  return texts;
}

std::string capability_of(std::string name) {
  std::ranges::transform(name, name.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return name.starts_with("CAP_") ? name.substr(4) : name;
}

void read_privileged(const json& value, Demands& demands) {
  if (!asks_for_something(value)) return;
  demands.push_back({Kind::kPrivileged, "", "is privileged"});
  demands.push_back({Kind::kDevice, "", "is privileged, which gives it all devices"});
  demands.push_back({Kind::kCapability, "ALL", "is privileged, which gives it all capabilities"});
  demands.push_back({Kind::kBind, "", "is privileged, which lets it reach all of the node's files"});
}

void read_capabilities(const json& value, Demands& demands) {
  for (const std::string& name : texts_of(value)) {
    demands.push_back(
        {Kind::kCapability, capability_of(name), fmt::format("has capability '{}' added", name)});
  }
}

bool is_harmless_option(const std::string& option) {
  constexpr std::array kHarmless{"no-new-privileges", "no-new-privileges:true", "no-new-privileges=true",
                                 "seccomp=builtin", "apparmor=docker-default"};
  return std::ranges::find(kHarmless, option) != kHarmless.end();
}

void read_security_options(const json& value, Demands& demands) {
  for (const std::string& option : texts_of(value)) {
    if (is_harmless_option(option)) continue;
    demands.push_back(
        {Kind::kPrivileged, "", fmt::format("has security option '{}'", option.substr(0, option.find('{')))});
  }
}

// An empty list means that nothing is masked, which is why it counts.
void read_unmasked(const json& value, Demands& demands) {
  if (!value.is_null())
    demands.push_back({Kind::kPrivileged, "", "shows what engines mask of /proc and /sys"});
}

void read_runtime(const json& value, Demands& demands) {
  if (asks_for_something(value) && value != "runc")
    demands.push_back({Kind::kPrivileged, "", fmt::format("wants runtime '{}'", text_of(value))});
}

void read_cgroup_parent(const json& value, Demands& demands) {
  if (asks_for_something(value))
    demands.push_back({Kind::kPrivileged, "", fmt::format("wants cgroup parent '{}'", text_of(value))});
}

// Those of systemd and of some runtimes grant devices or run programs on the node.
void read_annotations(const json& value, Demands& demands) {
  if (asks_for_something(value))
    demands.push_back({Kind::kPrivileged, "", "has annotations, which are orders to the container runtime"});
}

// Those that the kernel keeps apart by namespace.
void read_sysctls(const json& value, Demands& demands) {
  if (!value.is_object()) {
    if (asks_for_something(value))
      demands.push_back({Kind::kPrivileged, "", "has sysctls that cannot be read"});
    return;
  }
  constexpr std::array kOwn{"net.",       "fs.mqueue.", "kernel.msg",
                            "kernel.sem", "kernel.shm", "kernel.domainname"};
  for (const auto& setting : value.items()) {
    const std::string& name = setting.key();
    const bool is_own =
        std::ranges::any_of(kOwn, [&](const char* prefix) { return name.starts_with(prefix); });
    if (!is_own) demands.push_back({Kind::kPrivileged, "", fmt::format("sets sysctl '{}'", name)});
  }
}

void read_devices(const json& value, Demands& demands) {
  if (!asks_for_something(value)) return;
  if (!value.is_array()) demands.push_back({Kind::kDevice, "", "is given a device"});
  for (const json& device : value) {
    const json* path = device.is_object() ? member(device, "pathonhost") : nullptr;
    demands.push_back(
        {Kind::kDevice, "",
         path == nullptr ? "is given a device" : fmt::format("is given device '{}'", text_of(*path))});
  }
}

void read_device_requests(const json& value, Demands& demands) {
  if (asks_for_something(value)) demands.push_back({Kind::kDevice, "", "asks for devices by a driver"});
}

void read_device_rules(const json& value, Demands& demands) {
  for (const std::string& rule : texts_of(value))
    demands.push_back({Kind::kDevice, "", fmt::format("has device rule '{}'", rule)});
}

void read_network_mode(const json& value, Demands& demands) {
  if (!asks_for_something(value)) return;
  const std::string mode = text_of(value);
  if (mode == "default" || mode == "bridge" || mode == "none") return;
  demands.push_back({Kind::kNetwork, mode, fmt::format("has network mode '{}'", mode)});
}

// An id counts more than the name under which the settings stand (daemon.getNetworkID of Moby).
void read_endpoint(const json& settings, Demands& demands) {
  if (settings.is_null()) return;
  if (!settings.is_object())
    return demands.push_back({Kind::kUnclear, "", "has settings of a network that cannot be read"});
  constexpr std::array kHarmless{"aliases", "driveropts", "gwpriority", "ipamconfig", "links", "macaddress"};
  for (const auto& [key, value] : settings.items()) {
    const std::string name = folded(key);
    if (!asks_for_something(value) || std::ranges::find(kHarmless, name) != kHarmless.end()) continue;
    if (name == "networkid") {
      demands.push_back({Kind::kNetwork, text_of(value), fmt::format("joins network '{}'", text_of(value))});
    } else {
      demands.push_back(
          {Kind::kUnclear, "", fmt::format("has '{}' of a network, which this agent does not know", key)});
    }
  }
}

// The networks that a container is made with; the hub sends them as endpoints, apart from the body.
void read_networking(const json& value, Demands& demands) {
  if (!value.is_object()) return;
  each_member(value, "endpointsconfig", [&](const json& endpoints) {
    if (!endpoints.is_object()) return;
    for (const auto& [name, settings] : endpoints.items()) {
      demands.push_back({Kind::kNetwork, name, fmt::format("joins network '{}'", name)});
      read_endpoint(settings, demands);
    }
  });
}

using Reader = std::function<void(const json&, Demands&)>;

Reader namespace_reader(std::string what, std::set<std::string> own) {
  return [what = std::move(what), own = std::move(own)](const json& value, Demands& demands) {
    if (!asks_for_something(value)) return;
    const std::string mode = text_of(value);
    if (!own.contains(mode))
      demands.push_back({Kind::kHostNamespace, "", fmt::format("has {} mode '{}'", what, mode)});
  };
}

// A source that can be no volume's name is a path, for some engine.
bool is_volume_name(std::string_view source) {
  const auto is_plain = [](unsigned char c) { return std::isalnum(c) != 0; };
  return !source.empty() && is_plain(static_cast<unsigned char>(source.front())) &&
         std::ranges::all_of(source, [&](char c) {
           return is_plain(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '-';
         });
}

void read_binds(const json& value, Demands& demands) {
  for (const std::string& bind : texts_of(value)) {
    const std::size_t colon = bind.find(':');
    if (colon == std::string::npos && bind.starts_with('/')) continue;  // an anonymous volume
    const std::string source = bind.substr(0, colon);
    if (!is_volume_name(source)) demands.push_back({Kind::kBind, source, fmt::format("binds '{}'", source)});
  }
}

void read_mount(const json& mount, Demands& demands) {
  const json* type = mount.is_object() ? member(mount, "type") : nullptr;
  const std::string kind = type == nullptr ? "" : text_of(*type);
  const json* named = mount.is_object() ? member(mount, "source") : nullptr;
  const std::string source = named == nullptr ? "" : text_of(*named);
  if (kind == "tmpfs") return;
  if (kind == "image") {
    demands.push_back({Kind::kImage, source, fmt::format("mounts image '{}'", source)});
  } else if (kind == "volume" && (source.empty() || is_volume_name(source))) {
    each_member(mount, "volumeoptions", [&](const json& options) { read_volume_options(options, demands); });
  } else {
    demands.push_back({Kind::kBind, source, fmt::format("binds '{}'", source)});
  }
}

void read_mounts(const json& value, Demands& demands) {
  if (!asks_for_something(value)) return;
  if (!value.is_array()) return demands.push_back({Kind::kUnclear, "", "has mounts that cannot be read"});
  for (const json& mount : value) {
    std::set<std::string> keys;
    for (const auto& [key, setting] : mount.items()) {
      if (!keys.insert(folded(key)).second)
        demands.push_back({Kind::kUnclear, "", "has a mount that says something twice"});
    }
    read_mount(mount, demands);
  }
}

void read_volume_driver(const json& value, Demands& demands) {
  if (asks_for_something(value) && value != "local")
    demands.push_back({Kind::kForeignFiles, "", fmt::format("wants volume driver '{}'", text_of(value))});
}

void read_volumes_from(const json& value, Demands& demands) {
  for (const std::string& whose : texts_of(value))
    demands.push_back({Kind::kForeignFiles, "", fmt::format("has the volumes of container '{}'", whose)});
}

bool is_of_network(const std::string& scheme) {
  constexpr std::array kSchemes{"tcp", "tcp+tls", "tls", "udp", "http", "https"};
  return std::ranges::find(kSchemes, scheme) != kSchemes.end();
}

// The engine connects to the address as what it is: root. It is a URL: its scheme may have capitals, and its
// path may be escaped.
void read_log_address(const std::string& name, const std::string& address, Demands& demands) {
  if (address.find(kPlaceholder) != std::string::npos)
    demands.push_back({Kind::kUnclear, "", fmt::format("has a secret as '{}'", name)});
  const std::string lower = folded(address);
  const std::size_t slashes = lower.find("//");
  const bool has_scheme = slashes != std::string::npos && slashes > 0 && lower[slashes - 1] == ':';
  if (!lower.starts_with("unix")) {
    if (has_scheme && !is_of_network(lower.substr(0, slashes - 1)))
      demands.push_back({Kind::kUnclear, "", fmt::format("logs to '{}'", address)});
    return;
  }
  const std::size_t path = address.find('/', slashes == std::string::npos ? 0 : slashes + 2);
  const std::string socket =
      path == std::string::npos || address.find('%') != std::string::npos ? "" : address.substr(path);
  demands.push_back({Kind::kBind, socket, fmt::format("logs to socket '{}'", address)});
}

void read_log(const json& value, Demands& demands) {
  if (!value.is_object()) return;
  each_member(value, "config", [&](const json& options) {
    if (!options.is_object()) return;
    for (const auto& [name, setting] : options.items()) {
      if (name.find("address") != std::string::npos) read_log_address(name, text_of(setting), demands);
    }
  });
}

using Readers = std::map<std::string, Reader>;  // by folded key
using Keys = std::set<std::string>;

const Readers& host_readers() {
  static const Readers kReaders{
      {"annotations", read_annotations},
      {"binds", read_binds},
      {"capabilities", read_capabilities},
      {"capadd", read_capabilities},
      {"cgroup", namespace_reader("cgroup", {})},
      {"cgroupnsmode", namespace_reader("cgroup namespace", {"private"})},
      {"cgroupparent", read_cgroup_parent},
      {"devicecgrouprules", read_device_rules},
      {"devicerequests", read_device_requests},
      {"devices", read_devices},
      {"ipcmode", namespace_reader("IPC", {"none", "private", "shareable"})},
      {"logconfig", read_log},
      {"maskedpaths", read_unmasked},
      {"mounts", read_mounts},
      {"networkmode", read_network_mode},
      {"pidmode", namespace_reader("PID", {"private"})},
      {"privileged", read_privileged},
      {"readonlypaths", read_unmasked},
      {"runtime", read_runtime},
      {"securityopt", read_security_options},
      {"sysctls", read_sysctls},
      {"usernsmode", namespace_reader("user namespace", {"private"})},
      {"utsmode", namespace_reader("UTS", {"private"})},
      {"volumedriver", read_volume_driver},
      {"volumesfrom", read_volumes_from},
  };
  return kReaders;
}

// What else the engine knows, and what takes nothing of the node but time and room.
const Keys& harmless_in_host() {
  static const Keys kKeys{"autoremove",
                          "blkiodevicereadbps",
                          "blkiodevicereadiops",
                          "blkiodevicewritebps",
                          "blkiodevicewriteiops",
                          "blkioweight",
                          "blkioweightdevice",
                          "capdrop",
                          "consolesize",
                          "containeridfile",
                          "cpucount",
                          "cpupercent",
                          "cpuperiod",
                          "cpuquota",
                          "cpurealtimeperiod",
                          "cpurealtimeruntime",
                          "cpusetcpus",
                          "cpusetmems",
                          "cpushares",
                          "dns",
                          "dnsoptions",
                          "dnssearch",
                          "extrahosts",
                          "groupadd",
                          "init",
                          "iomaximumbandwidth",
                          "iomaximumiops",
                          "isolation",
                          "kernelmemory",
                          "kernelmemorytcp",
                          "links",
                          "memory",
                          "memoryreservation",
                          "memoryswap",
                          "memoryswappiness",
                          "nanocpus",
                          "oomkilldisable",
                          "oomscoreadj",
                          "pidslimit",
                          "portbindings",
                          "publishallports",
                          "readonlyrootfs",
                          "restartpolicy",
                          "shmsize",
                          "storageopt",
                          "tmpfs",
                          "ulimits"};
  return kKeys;
}

// A secret may say anything once it is put in; where it is text for a program, or for a log driver, it may.
void read_member(const std::string& key, const json& value, const Reader& reader, Demands& demands) {
  const std::string name = folded(key);
  const bool is_looked_into = name == "logconfig" || name == "hostconfig";
  if (!is_looked_into && value.dump().find(kPlaceholder) != std::string::npos)
    demands.push_back({Kind::kUnclear, "", fmt::format("has a secret in '{}'", key)});
  reader(value, demands);
}

void read_all(const json& object, const Readers& readers, const Keys& harmless, Demands& demands) {
  for (const auto& [key, value] : object.items()) {
    const std::string name = folded(key);
    const auto reader = readers.find(name);
    if (reader != readers.end()) {
      read_member(key, value, reader->second, demands);
    } else if (!harmless.contains(name) && asks_for_something(value)) {
      demands.push_back({Kind::kUnclear, "", fmt::format("has '{}', which this agent does not know", key)});
    }
  }
}

void read_host(const json& host, Demands& demands) {
  if (host.is_null()) return;
  if (!host.is_object())
    return demands.push_back({Kind::kUnclear, "", "has a HostConfig that cannot be read"});
  read_all(host, host_readers(), harmless_in_host(), demands);
}

void read_image(const json& value, Demands& demands) {
  demands.push_back({Kind::kImage, text_of(value), fmt::format("is made from image '{}'", text_of(value))});
}

// Engines before 25 take fields of HostConfig from the body itself as well, and then leave out the one that
// is there (container.ContainerConfigWrapper).
const Readers& body_readers() {
  static const Readers kReaders = [] {
    Readers readers = host_readers();
    readers["hostconfig"] = read_host;
    readers["networkingconfig"] = read_networking;
    readers["image"] = read_image;
    return readers;
  }();
  return kReaders;
}

const Keys& harmless_in_body() {
  static const Keys kKeys = [] {
    Keys keys = harmless_in_host();
    for (const char* key : {"argsescaped", "attachstderr", "attachstdin", "attachstdout", "cmd",
                            "cpuset",      "domainname",   "entrypoint",  "env",          "exposedports",
                            "healthcheck", "hostname",     "labels",      "macaddress",   "networkdisabled",
                            "onbuild",     "openstdin",    "shell",       "stdinonce",    "stopsignal",
                            "stoptimeout", "tty",          "user",        "volumes",      "workingdir"})
      keys.insert(key);
    return keys;
  }();
  return kKeys;
}

template <typename Read>
Demands demands_of(std::string_view text, Read read) {
  Demands demands;
  if (text.empty()) return demands;
  const json body = json::parse(text, nullptr, false);
  if (body.is_object()) {
    read(body, demands);
  } else {
    demands.push_back({Kind::kUnclear, "", "has an engine body that cannot be read"});
  }
  return demands;
}

}  // namespace

Demands demands_of_container(std::string_view engine_body) {
  return demands_of(engine_body, [](const json& body, Demands& demands) {
    read_all(body, body_readers(), harmless_in_body(), demands);
  });
}

Demands demands_of_endpoint(std::string_view engine_body) {
  return demands_of(engine_body, read_endpoint);
}

Demands demands_of_network(std::string_view engine_body) {
  return demands_of(engine_body, [](const json& body, Demands& demands) {
    each_member(body, "driver", [&](const json& driver) {
      if (driver == "host") demands.push_back({Kind::kHostNetwork, "", "has driver 'host'"});
    });
  });
}

Demands demands_of_volume(std::string_view engine_body) {
  return demands_of(engine_body, read_volume);
}

}  // namespace hivemind::agent
