#include <algorithm>

#include <fmt/format.h>

#include "hub/desired/compose/validate.h"

namespace hivemind::hub::compose {
namespace {

bool same_address(const std::string& a, const std::string& b) {
  const auto any = [](const std::string& ip) { return ip.empty() || ip == "0.0.0.0" || ip == "::"; };
  return a == b || any(a) || any(b);
}

// A range to pick from may overlap: the engine takes a free port of it.
bool is_fixed(const Port& port) {
  return port.published && (port.target.count() > 1 || port.published->count() == 1);
}

bool collide(const Port& a, const Port& b) {
  return a.published->first <= b.published->last && b.published->first <= a.published->last &&
         a.protocol == b.protocol && same_address(a.host_ip, b.host_ip);
}

// Every port becomes an entry of a body, and usually a process of the engine's.
constexpr int kMaxPorts = 20'000;

bool has_too_many_ports(const Project& project, Reader& reader) {
  int count = 0;
  for (const auto& [name, service] : project.services) {
    for (const Port& port : service.ports.published) count += port.target.count();
    for (const ExposedPort& port : service.ports.exposed) count += port.range.count();
    if (count <= kMaxPorts) continue;
    const Reader::Scope scope = reader.in_service(name);
    reader.error(service.ports.location.value_or(service.location), "compose.too-large",
                 fmt::format("the stack has more than {} ports", kMaxPorts), "use 'network_mode: host'");
    return true;
  }
  return false;
}

void check_ports(const Project& project, Reader& reader) {
  if (has_too_many_ports(project, reader)) return;
  std::vector<std::pair<const Service*, const Port*>> seen;
  for (const auto& [name, service] : project.services) {
    const std::string& mode = service.networks.mode.value;
    if (mode == "host" || mode == "none" || service.replicas.count() == 0) continue;
    const Reader::Scope scope = reader.in_service(name);
    for (const Port& port : service.ports.published) {
      if (!is_fixed(port)) continue;
      const auto other =
          std::ranges::find_if(seen, [&](const auto& one) { return collide(*one.second, port); });
      if (other != seen.end()) {
        reader.error(port.location, "compose.port-conflict",
                     fmt::format("host port {}/{} is published twice, first by service '{}' in line {}",
                                 to_string(*port.published), port.protocol, other->first->name,
                                 other->second->location.line));
      }
      seen.emplace_back(&service, &port);
    }
  }
}

void check_container_names(const Project& project, Reader& reader) {
  std::map<std::string, std::string> seen;
  for (const auto& [name, service] : project.services) {
    const Text& container = service.image.container_name;
    if (container.value.empty()) continue;
    const auto [first, fresh] = seen.emplace(container.value, name);
    if (fresh) continue;
    const Reader::Scope scope = reader.in_service(name);
    reader.error(container.location, "compose.duplicate-container-name",
                 fmt::format("container name '{}' is taken by service '{}'", container.value, first->second));
  }
}

}  // namespace

void validate_claims(const Project& project, Reader& reader) {
  check_ports(project, reader);
  check_container_names(project, reader);
}

}  // namespace hivemind::hub::compose
