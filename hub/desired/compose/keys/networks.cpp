#include "hub/desired/compose/keys/family.h"

namespace hivemind::hub::compose {

std::string Service::network_of() const {
  constexpr std::string_view kService = "service:";
  const std::string& mode = networks.mode.value;
  return mode.starts_with(kService) ? mode.substr(kService.size()) : "";
}

namespace {

void read_aliases(const yaml::Node& node, NetworkUse& use, Reader& reader) {
  use.aliases = values(reader.texts(node));
}
void read_ipv4(const yaml::Node& node, NetworkUse& use, Reader& reader) {
  use.ipv4_address = reader.text(node).value_or("");
}
void read_ipv6(const yaml::Node& node, NetworkUse& use, Reader& reader) {
  use.ipv6_address = reader.text(node).value_or("");
}
void read_link_local(const yaml::Node& node, NetworkUse& use, Reader& reader) {
  use.link_local_ips = values(reader.texts(node));
}
void read_priority(const yaml::Node& node, NetworkUse& use, Reader& reader) {
  use.priority = reader.integer(node).value_or(0);
}
constexpr Field<NetworkUse> kUseFields[] = {{"aliases", read_aliases},
                                            {"ipv4_address", read_ipv4},
                                            {"ipv6_address", read_ipv6},
                                            {"link_local_ips", read_link_local},
                                            {"priority", read_priority}};
constexpr UnreadKey kUseUnread[] = {{"mac_address"}, {"driver_opts"}, {"gw_priority"}, {"interface_name"}};

void read_networks(const yaml::Node& node, Service& service, Reader& reader) {
  NetworkUses& uses = service.networks;
  uses.location = node.location;
  if (node.is_sequence()) {
    for (const Text& name : reader.texts(node)) uses.networks.emplace_back().network = name;
  } else if (node.is_map()) {
    for (const auto& [key, value] : node.members) {
      const Reader::Scope scope = reader.in_key(key.scalar);
      NetworkUse use;
      use.network = {key.scalar, key.location};
      if (!value.is_null()) read_fields(value, kUseFields, kUseUnread, use, reader);
      uses.networks.push_back(std::move(use));
    }
  } else {
    reader.wrong_type(node, "a list of networks or a map");
  }
  // The one of highest priority is the one that the container is created with; the order in the file says
  // nothing.
  std::ranges::sort(uses.networks, [](const NetworkUse& a, const NetworkUse& b) {
    return std::pair(-a.priority, a.network.value) < std::pair(-b.priority, b.network.value);
  });
}

void read_mode(const yaml::Node& node, Service& service, Reader& reader) {
  const auto mode = reader.text(node);
  if (!mode) return;
  const bool known = *mode == "host" || *mode == "none" || *mode == "bridge" ||
                     (mode->starts_with("service:") && mode->size() > 8) ||
                     (mode->starts_with("container:") && mode->size() > 10);
  if (!known) return reader.invalid(node, "'host', 'none', 'bridge', 'service:NAME' or 'container:NAME'");
  service.networks.mode = {*mode, node.location};
}

constexpr Field<Service> kFields[] = {{"networks", read_networks}, {"network_mode", read_mode}};

// With 'service:x' the agent fills in which container that is.
void emit(const Service& service, const Project& project, EngineBody& body) {
  const NetworkUses& uses = service.networks;
  if (!service.network_of().empty()) return;
  if (!uses.mode.value.empty()) {
    body.host["NetworkMode"] = uses.mode.value;
  } else if (!uses.networks.empty()) {
    body.host["NetworkMode"] = project.networks.at(uses.networks.front().network.value).name;
  }
}

}  // namespace

constinit const Family kNetworks{kFields, emit};

}  // namespace hivemind::hub::compose
