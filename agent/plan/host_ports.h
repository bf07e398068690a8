#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hivemind::agent {

// Ports of the node that a container holds. Other containers cannot have them at the same time.
struct HostPorts {
  std::string address;   // empty: all
  std::string protocol;  // "tcp"
  std::uint16_t first = 0;
  std::uint16_t last = 0;
  bool operator==(const HostPorts&) const = default;
};

inline bool overlap(const HostPorts& a, const HostPorts& b) {
  const bool same_address = a.address.empty() || b.address.empty() || a.address == b.address;
  return same_address && a.protocol == b.protocol && a.first <= b.last && b.first <= a.last;
}

// One binding of an engine's PortBindings: {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}. None where the
// engine chooses the port.
inline std::optional<HostPorts> host_ports_of(std::string_view container_port, std::string_view address,
                                              std::string_view port) {
  HostPorts ports;
  const char* const end = port.data() + port.size();
  auto [at, failure] = std::from_chars(port.data(), end, ports.first);
  if (failure != std::errc() || ports.first == 0) return std::nullopt;
  ports.last = ports.first;
  if (at != end && *at == '-') std::from_chars(at + 1, end, ports.last);
  if (address != "0.0.0.0" && address != "::") ports.address = address;
  const auto slash = container_port.find('/');
  ports.protocol = slash == std::string_view::npos ? "tcp" : container_port.substr(slash + 1);
  return ports;
}

}  // namespace hivemind::agent
