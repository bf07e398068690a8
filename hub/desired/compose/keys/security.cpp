#include "hub/desired/compose/keys/family.h"

namespace hivemind::hub::compose {
namespace {

void read_sysctls(const yaml::Node& node, Service& service, Reader& reader) {
  service.security.sysctls = text_map(reader.pairs(node));
}

// A profile in a file would have to travel inside the body; the two words need none.
void read_security_opt(const yaml::Node& node, Service& service, Reader& reader) {
  for (const Text& option : reader.texts(node)) {
    const std::string& text = option.value;
    if (text == "systempaths=unconfined") {
      service.security.system_paths_unconfined = true;
      continue;
    }
    const bool seccomp = text.starts_with("seccomp=") || text.starts_with("seccomp:");
    if (seccomp && text.substr(8) != "unconfined" && text.substr(8) != "builtin") {
      reader.error(
          option.location, "compose.unsupported-value",
          "'security_opt' value '" + text + "' names a seccomp profile in a file, which is not supported");
    }
    service.security.security_opt.push_back(text);
  }
}

void read_source(const yaml::Node& node, Device& device, Reader& reader) {
  device.host = reader.text(node).value_or("");
}
void read_target(const yaml::Node& node, Device& device, Reader& reader) {
  device.container = reader.text(node).value_or("");
}
void read_permissions(const yaml::Node& node, Device& device, Reader& reader) {
  device.permissions = reader.text(node).value_or("rwm");
}
constexpr Field<Device> kDeviceFields[] = {
    {"source", read_source}, {"target", read_target}, {"permissions", read_permissions}};

// "host[:container[:permissions]]".
Device parse_device(std::string_view text) {
  Device device;
  const std::size_t first = text.find(':');
  device.host = text.substr(0, first);
  if (first == std::string_view::npos) return device;
  text.remove_prefix(first + 1);
  const std::size_t second = text.find(':');
  device.container = text.substr(0, second);
  if (second != std::string_view::npos) device.permissions = text.substr(second + 1);
  return device;
}

bool is_permissions(std::string_view text) {
  return !text.empty() && text.find_first_not_of("rwm") == std::string_view::npos;
}

void read_device(const yaml::Node& node, Service& service, Reader& reader) {
  Device device;
  if (node.is_map()) {
    read_fields(node, kDeviceFields, device, reader);
  } else if (const auto text = reader.text(node)) {
    device = parse_device(*text);
  } else {
    return;
  }
  if (device.container.empty()) device.container = device.host;
  if (!device.host.starts_with("/") || !device.container.starts_with("/") ||
      !is_permissions(device.permissions)) {
    reader.error(node.location, "compose.invalid-value",
                 "a device must be '/host/path[:/container/path[:rwm]]', found " + node.describe(),
                 "CDI device names are not supported");
    return;
  }
  service.security.devices.push_back(std::move(device));
}

void read_devices(const yaml::Node& node, Service& service, Reader& reader) {
  if (!reader.is_sequence(node)) return;
  for (const yaml::Node& item : node.items) read_device(item, service, reader);
}

// Another service's namespace would need that container's id, which only the agent knows.
template <auto Member>
void read_namespace(const yaml::Node& node, Service& service, Reader& reader) {
  if (node.is_scalar() && node.scalar.starts_with("service:")) {
    reader.error(node.location, "compose.unsupported-value",
                 "'" + reader.path() + "' of another service is not supported",
                 "give that service a container_name and write 'container:NAME'");
    return;
  }
  read_text<&Service::security, Member>(node, service, reader);
}

constexpr Field<Service> kFields[] = {
    {"cap_add", read_words<&Service::security, &Security::cap_add>},
    {"cap_drop", read_words<&Service::security, &Security::cap_drop>},
    {"privileged", read_flag<&Service::security, &Security::privileged>},
    {"read_only", read_flag<&Service::security, &Security::read_only>},
    {"security_opt", read_security_opt},
    {"group_add", read_words<&Service::security, &Security::group_add>},
    {"sysctls", read_sysctls},
    {"devices", read_devices},
    {"device_cgroup_rules", read_words<&Service::security, &Security::device_cgroup_rules>},
    {"pid", read_namespace<&Security::pid>},
    {"ipc", read_namespace<&Security::ipc>},
    {"uts", read_text<&Service::security, &Security::uts>},
    {"userns_mode", read_text<&Service::security, &Security::userns_mode>},
    {"cgroup", read_text<&Service::security, &Security::cgroup>},
    {"cgroup_parent", read_text<&Service::security, &Security::cgroup_parent>},
    {"runtime", read_text<&Service::security, &Security::runtime>},
};

void emit_devices(const Security& security, EngineBody& body) {
  for (const Device& device : security.devices) {
    body.host["Devices"].push_back({{"PathOnHost", device.host},
                                    {"PathInContainer", device.container},
                                    {"CgroupPermissions", device.permissions}});
  }
  put(body.host, "DeviceCgroupRules", security.device_cgroup_rules);
}

void emit(const Service& service, const Project&, EngineBody& body) {
  const Security& security = service.security;
  put(body.host, "CapAdd", security.cap_add);
  put(body.host, "CapDrop", security.cap_drop);
  put(body.host, "Privileged", security.privileged);
  put(body.host, "ReadonlyRootfs", security.read_only);
  put(body.host, "SecurityOpt", security.security_opt);
  put(body.host, "GroupAdd", security.group_add);
  put(body.host, "Sysctls", security.sysctls);
  put(body.host, "PidMode", security.pid);
  put(body.host, "IpcMode", security.ipc);
  put(body.host, "UTSMode", security.uts);
  put(body.host, "UsernsMode", security.userns_mode);
  put(body.host, "CgroupnsMode", security.cgroup);
  put(body.host, "CgroupParent", security.cgroup_parent);
  put(body.host, "Runtime", security.runtime);
  if (security.system_paths_unconfined) {
    body.host["MaskedPaths"] = nlohmann::json::array();
    body.host["ReadonlyPaths"] = nlohmann::json::array();
  }
  emit_devices(security, body);
}

}  // namespace

constinit const Family kSecurity{kFields, emit};

}  // namespace hivemind::hub::compose
