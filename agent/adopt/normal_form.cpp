#include "agent/adopt/normal_form.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hivemind::agent {
namespace {

using nlohmann::json;

const json kNothing;

const json& member(const json& object, std::string_view key) {
  if (!object.is_object()) return kNothing;
  const auto found = object.find(key);
  return found == object.end() ? kNothing : *found;
}

std::string text(const json& object, std::string_view key) {
  const json& value = member(object, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::string short_id(const json& inspected) {
  return text(inspected, "Id").substr(0, 12);
}

// Labels that tell whose a thing is, not what it is.
bool is_bookkeeping(std::string_view label) {
  return label.starts_with("com.docker.compose.") || label.starts_with("com.hivemind.");
}

json labels_of(const json& labels) {
  json kept = json::object();
  for (const auto& [key, value] : labels.items()) {
    if (!is_bookkeeping(key)) kept[key] = value;
  }
  return kept;
}

json sorted(const json& list) {
  if (!list.is_array()) return list;
  json copy = list;
  std::sort(copy.begin(), copy.end());
  copy.erase(std::unique(copy.begin(), copy.end()), copy.end());
  return copy;
}

// "A=1" -> {"A": "1"}; a bare "A" unsets the image's.
json assignments(const json& list) {
  json map = json::object();
  if (!list.is_array()) return map;
  for (const json& one : list) {
    const std::string pair = one.is_string() ? one.get<std::string>() : one.dump();
    const std::size_t equals = pair.find('=');
    map[pair.substr(0, equals)] =
        equals == std::string::npos ? json("(unset)") : json(pair.substr(equals + 1));
  }
  return map;
}

json by_key(const json& list, const char* key) {
  json map = json::object();
  if (!list.is_array()) return map;
  for (const json& one : list) map[text(one, key)] = one;
  return map;
}

// "CAP_NET_ADMIN", "NET_ADMIN" and "net_admin" are the same.
json capabilities(const json& list) {
  json names = json::array();
  if (!list.is_array()) return names;
  for (const json& one : list) {
    std::string name = one.is_string() ? one.get<std::string>() : "";
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::toupper(c); });
    if (name.starts_with("CAP_")) name.erase(0, 4);
    names.push_back(std::move(name));
  }
  return sorted(names);
}

// The engine names a volume without a name by 64 hex digits.
bool is_anonymous(const std::string& volume) {
  return volume.size() == 64 && volume.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// Options of a bind that say what is so without them.
bool is_default_option(std::string_view option) {
  return option == "rw" || option == "rprivate" || option.empty();
}

void add_option(json& mount, std::string_view option) {
  static constexpr std::array<std::string_view, 6> kPropagations{"private", "shared", "rshared",
                                                                 "slave",   "rslave", "rprivate"};
  if (option == "ro") {
    mount["ReadOnly"] = true;
  } else if (option == "nocopy") {
    mount["NoCopy"] = true;
  } else if (std::ranges::find(kPropagations, option) != kPropagations.end()) {
    mount["Propagation"] = option;
  } else {
    mount["Options"].push_back(option);
  }
}

// "source:target[:options]". Neither a path nor a name holds a colon here.
std::pair<std::string, json> mount_of_bind(std::string_view bind) {
  std::vector<std::string_view> parts;
  for (std::size_t from = 0; from <= bind.size();) {
    const std::size_t colon = std::min(bind.find(':', from), bind.size());
    parts.push_back(bind.substr(from, colon - from));
    from = colon + 1;
  }
  if (parts.size() < 2) return {std::string(bind), {{"Type", "volume"}}};
  json mount{{"Type", parts[0].starts_with('/') ? "bind" : "volume"}, {"Source", parts[0]}};
  std::string_view options = parts.size() > 2 ? parts[2] : std::string_view();
  while (!options.empty()) {
    const std::size_t comma = std::min(options.find(','), options.size());
    const std::string_view option = options.substr(0, comma);
    if (!is_default_option(option)) add_option(mount, option);
    options.remove_prefix(std::min(comma + 1, options.size()));
  }
  if (mount.contains("Options")) mount["Options"] = sorted(mount["Options"]);
  return {std::string(parts[1]), mount};
}

json mount_of_mount(const json& given) {
  json mount{{"Type", member(given, "Type")}};
  const std::string source = text(given, "Source");
  if (!source.empty() && !is_anonymous(source)) mount["Source"] = source;
  if (member(given, "ReadOnly") == true) mount["ReadOnly"] = true;
  const json& bind = member(given, "BindOptions");
  if (const std::string propagation = text(bind, "Propagation"); !is_default_option(propagation))
    mount["Propagation"] = propagation;
  for (const char* flag : {"NonRecursive", "ReadOnlyNonRecursive", "ReadOnlyForceRecursive"}) {
    if (member(bind, flag) == true) mount[flag] = true;
  }
  const json& volume = member(given, "VolumeOptions");
  if (member(volume, "NoCopy") == true) mount["NoCopy"] = true;
  mount["Labels"] = member(volume, "Labels").is_object() ? labels_of(volume["Labels"]) : json();
  mount["Subpath"] = member(volume, "Subpath");
  mount["Driver"] = member(volume, "DriverConfig");
  mount["Tmpfs"] = member(given, "TmpfsOptions");
  mount["Image"] = member(given, "ImageOptions");
  return mount;
}

// Binds and mounts, by the place that they are at. That a bind's source must be there, or is made, is no part
// of what runs.
json asked_mounts(const json& host) {
  json mounts = json::object();
  if (const json& binds = member(host, "Binds"); binds.is_array()) {
    for (const json& bind : binds) {
      auto [target, mount] = mount_of_bind(bind.is_string() ? bind.get<std::string>() : "");
      if (is_anonymous(text(mount, "Source"))) mount.erase("Source");
      mounts[target] = std::move(mount);
    }
  }
  if (const json& given = member(host, "Mounts"); given.is_array()) {
    for (const json& mount : given) mounts[text(mount, "Target")] = mount_of_mount(mount);
  }
  return mounts;
}

// Those that an image brings are asked for by nobody.
json made_mounts(const json& inspected) {
  json mounts = json::object();
  const json& list = member(inspected, "Mounts");
  if (!list.is_array()) return mounts;
  for (const json& made : list) {
    json mount{{"Type", member(made, "Type")}, {"RW", member(made, "RW") == true ? "yes" : "no"}};
    const std::string name = text(made, "Name");
    if (!name.empty() && !is_anonymous(name)) mount["Name"] = name;
    if (text(made, "Type") == "bind") mount["Source"] = member(made, "Source");
    mounts[text(made, "Destination")] = std::move(mount);
  }
  return mounts;
}

json ports_of(const json& bindings) {
  json ports = json::object();
  for (const auto& [port, list] : bindings.items()) {
    ports[port] = list.is_array() && !list.empty() ? sorted(list) : json("any");
  }
  return ports;
}

std::string restart_policy_of(const json& policy) {
  std::string name = text(policy, "Name");
  if (name.empty()) name = "no";
  const json& count = member(policy, "MaximumRetryCount");
  if (name == "on-failure" && count.is_number() && count != 0) name += ":" + count.dump();
  return name;
}

// Fields in which zero, false or an empty list is not the same as nothing.
constexpr std::array<std::string_view, 3> kZeroCounts{"Init", "MemorySwappiness", "StopTimeout"};

json normal_config(const json& config, const json& inspected) {
  json normal = config.is_object() ? config : json::object();
  // The client's own streams, and what names the container.
  for (const char* key : {"AttachStdin", "AttachStdout", "AttachStderr", "StdinOnce"}) normal.erase(key);
  if (text(normal, "Hostname") == short_id(inspected)) normal.erase("Hostname");
  if (text(normal, "StopSignal") == "SIGTERM") normal.erase("StopSignal");
  normal["Env"] = assignments(member(normal, "Env"));
  if (member(normal, "Labels").is_object()) normal["Labels"] = labels_of(normal["Labels"]);
  json ports = json::array();
  // A port without a protocol is one of TCP.
  for (const auto& [port, nothing] : member(normal, "ExposedPorts").items())
    ports.push_back(port.find('/') == std::string::npos ? port + "/tcp" : port);
  normal["ExposedPorts"] = sorted(ports);
  // Mount points without a volume's name stand here or among the mounts: what is made of them tells.
  normal.erase("Volumes");
  return normal;
}

// Capabilities are alternatives, each a list: none is an empty one.
json device_requests(const json& list) {
  json requests = list.is_array() ? list : json::array();
  for (json& request : requests) {
    if (!member(request, "Capabilities").is_array()) continue;
    for (json& all : request["Capabilities"]) {
      if (all.is_null()) all = json::array();
    }
  }
  return requests;
}

json normal_host(const json& host) {
  json normal = host.is_object() ? host : json::object();
  for (const char* key : {"Binds", "Mounts", "ContainerIDFile", "ConsoleSize", "AutoRemove"})
    normal.erase(key);
  for (const char* key :
       {"SecurityOpt", "GroupAdd", "ExtraHosts", "Links", "DeviceCgroupRules", "DnsOptions"})
    normal[key] = sorted(member(host, key));
  normal["CapAdd"] = capabilities(member(host, "CapAdd"));
  normal["CapDrop"] = capabilities(member(host, "CapDrop"));
  normal["Ulimits"] = by_key(member(host, "Ulimits"), "Name");
  normal["Devices"] = by_key(member(host, "Devices"), "PathInContainer");
  normal["DeviceRequests"] = device_requests(member(host, "DeviceRequests"));
  normal["PortBindings"] = ports_of(member(host, "PortBindings"));
  normal["RestartPolicy"] = restart_policy_of(member(host, "RestartPolicy"));
  if (text(normal, "NetworkMode") == "default") normal["NetworkMode"] = "bridge";
  if (text(normal, "Isolation") == "default") normal.erase("Isolation");
  if (member(normal, "PidsLimit") == -1) normal.erase("PidsLimit");
  if (member(normal, "MemorySwappiness") == -1) normal.erase("MemorySwappiness");
  return normal;
}

// The part of an endpoint that was asked for.
json normal_endpoint(const json& endpoint, const json& inspected) {
  json normal = json::object();
  json aliases = sorted(member(endpoint, "Aliases"));
  if (aliases.is_array()) {
    // The engine adds the short id; docker compose adds the container's name, which every engine resolves
    // anyway.
    std::string name = text(inspected, "Name");
    if (name.starts_with('/')) name.erase(0, 1);
    for (const std::string& own : {short_id(inspected), name}) {
      aliases.erase(std::remove(aliases.begin(), aliases.end(), json(own)), aliases.end());
    }
  }
  normal["Aliases"] = std::move(aliases);
  normal["Links"] = sorted(member(endpoint, "Links"));
  normal["IPAMConfig"] = member(endpoint, "IPAMConfig");
  normal["DriverOpts"] = member(endpoint, "DriverOpts");
  normal["GwPriority"] = member(endpoint, "GwPriority");
  return normal;
}

json networks_of(const json& inspected) {
  json networks = json::object();
  const json& endpoints = member(member(inspected, "NetworkSettings"), "Networks");
  if (!endpoints.is_object()) return networks;
  for (const auto& [name, endpoint] : endpoints.items()) {
    networks[name] = normal_endpoint(endpoint, inspected);
    networks[name]["Connected"] = "yes";
  }
  return networks;
}

bool is_empty(const json& value) {
  return value.is_null() || value == false || value == 0 || value == "" || value == json::array() ||
         value == json::object();
}

// Takes out what says nothing.
void prune(json& value) {
  if (value.is_array()) {
    for (json& one : value) prune(one);
    return;
  }
  if (!value.is_object()) return;
  for (auto entry = value.begin(); entry != value.end();) {
    prune(entry.value());
    const bool counts = std::ranges::find(kZeroCounts, entry.key()) != kZeroCounts.end();
    const bool says_nothing = counts ? entry.value().is_null() : is_empty(entry.value());
    entry = says_nothing ? value.erase(entry) : std::next(entry);
  }
}

// Names of variables and labels are not field names: an empty value is a value.
json quoted(const json& map) {
  json values = json::object();
  for (const auto& [key, value] : map.items()) values[key] = value == "" ? json("\"\"") : value;
  return values;
}

}  // namespace

json normal_container(const json& inspected) {
  json normal;
  normal["Image"] = member(inspected, "Image");
  normal["Platform"] = member(inspected, "Platform");
  normal["Config"] = normal_config(member(inspected, "Config"), inspected);
  normal["HostConfig"] = normal_host(member(inspected, "HostConfig"));
  normal["HostConfig"]["Mounts"] = asked_mounts(member(inspected, "HostConfig"));
  normal["Mounts"] = made_mounts(inspected);
  normal["Networks"] = networks_of(inspected);
  for (const char* key : {"Env", "Labels"}) {
    if (normal["Config"].contains(key)) normal["Config"][key] = quoted(normal["Config"][key]);
  }
  prune(normal);
  return normal;
}

json normal_network(const json& inspected) {
  json normal = json::object();
  for (const char* key : {"Driver", "Scope", "EnableIPv4", "EnableIPv6", "Internal", "Attachable", "Ingress",
                          "ConfigOnly", "ConfigFrom", "IPAM", "Options"}) {
    normal[key] = member(inspected, key);
  }
  if (member(inspected, "Labels").is_object()) normal["Labels"] = quoted(labels_of(inspected["Labels"]));
  if (text(normal["IPAM"], "Driver") == "default") normal["IPAM"].erase("Driver");
  if (normal["Driver"].is_null()) normal["Driver"] = "bridge";
  if (text(normal, "Scope") == "local") normal.erase("Scope");
  if (normal["EnableIPv4"] == true) normal.erase("EnableIPv4");
  if (normal["IPAM"].is_object() && member(normal["IPAM"], "Config").is_array())
    normal["IPAM"]["Config"] = sorted(normal["IPAM"]["Config"]);
  prune(normal);
  return normal;
}

json normal_volume(const json& inspected) {
  json normal = json::object();
  for (const char* key : {"Driver", "Scope", "Options"}) normal[key] = member(inspected, key);
  if (text(normal, "Driver").empty()) normal["Driver"] = "local";
  if (text(normal, "Scope") == "local") normal.erase("Scope");
  if (member(inspected, "Labels").is_object()) normal["Labels"] = quoted(labels_of(inspected["Labels"]));
  prune(normal);
  return normal;
}

}  // namespace hivemind::agent
