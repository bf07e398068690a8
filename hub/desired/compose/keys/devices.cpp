#include <array>
#include <cctype>

#include <fmt/format.h>

#include "hub/desired/compose/keys/family.h"

namespace hivemind::hub::compose {

// "vendor/class=device", as the Container Device Interface has it.
bool Device::is_cdi() const {
  const std::size_t slash = host.find('/'), equals = host.find('=');
  if (host != container || slash == std::string::npos || equals == std::string::npos) return false;
  if (slash == 0 || slash + 1 >= equals || equals + 1 >= host.size()) return false;
  const auto alnum = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  return alnum(host.front()) && alnum(host[slash + 1]) && host.find('/', slash + 1) == std::string::npos &&
         alnum(host[equals + 1]);
}

namespace {

void read_source(const yaml::Node& node, Device& device, Reader& reader) {
  device.host = reader.text(node).value_or("");
}
void read_target(const yaml::Node& node, Device& device, Reader& reader) {
  device.container = reader.text(node).value_or("");
}
void read_permissions(const yaml::Node& node, Device& device, Reader& reader) {
  device.permissions = reader.text(node).value_or("");
}
constexpr Field<Device> kDeviceFields[] = {
    {"source", read_source}, {"target", read_target}, {"permissions", read_permissions}};

// "host[:container[:permissions]]".
std::optional<Device> parse_device(std::string_view text) {
  std::array<std::string, 3> parts;
  std::size_t count = 0;
  for (bool more = true; more; ++count) {
    if (count == parts.size()) return std::nullopt;
    const std::size_t colon = text.find(':');
    parts[count] = text.substr(0, colon);
    more = colon != std::string_view::npos;
    if (more) text.remove_prefix(colon + 1);
  }
  if (parts[1].empty()) parts[1] = parts[0];
  return Device{parts[0], parts[1], count == 3 ? parts[2] : "rwm"};
}

bool is_permissions(std::string_view text) {
  return text.find_first_not_of("rwm") == std::string_view::npos;
}

void read_device(const yaml::Node& node, Service& service, Reader& reader) {
  Device device;
  const int before = reader.errors();
  if (node.is_map()) {
    read_fields(node, kDeviceFields, device, reader);
  } else if (const auto text = reader.text(node)) {
    const auto parsed = parse_device(*text);
    if (!parsed) {
      reader.invalid(node, "'/host/path[:/container/path[:rwm]]'",
                     "use 'source', 'target' and 'permissions'");
    } else {
      device = *parsed;
    }
  }
  if (reader.errors() != before) return;
  const bool paths = device.host.starts_with("/") && device.container.starts_with("/");
  if (paths && !is_permissions(device.permissions)) {
    reader.error(node.location, "compose.refused-by-engine",
                 fmt::format("device '{}' has the permissions '{}', and engines know 'r', 'w' and 'm'",
                             device.host, device.permissions));
  } else if (!paths && !device.is_cdi()) {
    const bool whole = !node.is_map() || (!device.host.empty() && !device.container.empty());
    reader.error(
        node.location, whole ? "compose.refused-by-engine" : "compose.invalid-value",
        fmt::format("'devices' needs '/host/path[:/container/path[:rwm]]' or 'vendor/class=device', found {}",
                    node.describe()),
        node.is_map() ? "give both 'source' and 'target'" : "");
  }
  service.security.devices.push_back(std::move(device));
}

void read_devices(const yaml::Node& node, Service& service, Reader& reader) {
  if (!reader.is_sequence(node)) return;
  for (const yaml::Node& item : node.items) read_device(item, service, reader);
}

constexpr Field<Service> kFields[] = {
    {.key = "devices", .read = read_devices, .members = members_of<kDeviceFields>},
    {"device_cgroup_rules", read_list<&Service::security, &Security::device_cgroup_rules>},
};

void emit(const Service& service, const Project&, EngineBody& body) {
  for (const Device& device : service.security.devices) {
    if (device.is_cdi()) continue;  // device_requests.cpp has them
    const std::string permissions = device.permissions.empty() ? "rwm" : device.permissions;
    body.host["Devices"].push_back({{"PathOnHost", device.host},
                                    {"PathInContainer", device.container},
                                    {"CgroupPermissions", permissions}});
  }
  put(body.host, "DeviceCgroupRules", service.security.device_cgroup_rules);
}

void print(const Service& service, const Project&, nlohmann::json& into) {
  for (const Device& device : service.security.devices) {
    nlohmann::json json = {{"source", device.host}, {"target", device.container}};
    put(json, "permissions", device.permissions);
    into["devices"].push_back(std::move(json));
  }
  put(into, "device_cgroup_rules", service.security.device_cgroup_rules);
}

}  // namespace

constinit const Family kDevices{kFields, emit, print};

}  // namespace hivemind::hub::compose
