#include <cmath>

#include "hub/desired/compose/keys/family.h"
#include "hub/desired/compose/scalars/address.h"

namespace hivemind::hub::compose {

std::string Service::network_of() const {
  constexpr std::string_view kService = "service:";
  const std::string& mode = networks.mode.value;
  return mode.starts_with(kService) ? mode.substr(kService.size()) : "";
}

namespace {

constexpr int kGatewayPriorityApi = 48;
constexpr int kInterfaceNameApi = 49;

// Each once, in the order of the first.
Words unique(Words words) {
  Words all;
  for (std::string& word : words) {
    if (std::ranges::find(all, word) == all.end()) all.push_back(std::move(word));
  }
  return all;
}

void read_aliases(const yaml::Node& node, NetworkUse& use, Reader& reader) {
  use.aliases = unique(values(reader.texts(node)));
}
template <auto Member, bool (*IsAddress)(const std::string&)>
void read_address(const yaml::Node& node, NetworkUse& use, Reader& reader) {
  const auto text = reader.text(node);
  if (!text) return;
  use.*Member = *text;
  if (!text->empty() && !IsAddress(*text)) {
    reader.refused_by_engine(node, IsAddress == is_ipv4_address ? "an IPv4 address" : "an IPv6 address");
  }
}
void read_link_local(const yaml::Node& node, NetworkUse& use, Reader& reader) {
  use.link_local_ips = unique(values(reader.texts(node)));
}
std::string read_mac(const yaml::Node& node, Reader& reader) {
  const auto text = reader.text(node);
  if (!text || text->empty()) return "";
  if (!is_mac_address(*text)) reader.refused_by_engine(node, "a MAC address such as '02:42:ac:11:00:02'");
  return *text;
}
void read_use_mac(const yaml::Node& node, NetworkUse& use, Reader& reader) {
  use.mac_address = read_mac(node, reader);
}
void read_interface_name(const yaml::Node& node, NetworkUse& use, Reader& reader) {
  use.interface_name = reader.text(node).value_or("");
}
void read_driver_opts(const yaml::Node& node, NetworkUse& use, Reader& reader) {
  if (!reader.is_map(node)) return;
  for (const auto& [key, value] : node.members) {
    const Reader::Scope scope = reader.in_key(key.scalar);
    if (auto text = reader.text(value, Allowed::kNumbers)) use.driver_opts[key.scalar] = std::move(*text);
  }
}
// A number alone, of which the reference cuts off a fraction.
template <auto Member>
void read_number(const yaml::Node& node, NetworkUse& use, Reader& reader) {
  const yaml::Type type = node.type();
  const auto number = node.as_float();
  if ((type != yaml::Type::kInteger && type != yaml::Type::kFloat) || !number || std::fabs(*number) > 1e9) {
    return reader.wrong_type(node, "a number");
  }
  use.*Member = static_cast<std::int64_t>(*number);
}
constexpr Field<NetworkUse> kUseFields[] = {
    {"aliases", read_aliases},
    {"ipv4_address", read_address<&NetworkUse::ipv4_address, is_ipv4_address>},
    {"ipv6_address", read_address<&NetworkUse::ipv6_address, is_ipv6_address>},
    {"link_local_ips", read_link_local},
    {"mac_address", read_use_mac},
    {"driver_opts", read_driver_opts},
    {"priority", read_number<&NetworkUse::priority>},
    {"gw_priority", read_number<&NetworkUse::gw_priority>},
    {"interface_name", read_interface_name}};

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
      use.has_options = !value.is_null();
      if (use.has_options) read_fields(value, kUseFields, use, reader);
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

// Any other name is that of a network on the node, which is not ours.
bool is_network_mode(const std::string& mode) {
  for (const std::string_view prefix : {"service:", "container:"}) {
    if (mode.starts_with(prefix)) return mode.size() > prefix.size();
  }
  return mode.find_first_of(" :/") == std::string::npos;
}

void read_mode(const yaml::Node& node, Service& service, Reader& reader) {
  const auto mode = reader.text(node);
  if (!mode || mode->empty()) return;
  service.networks.mode = {*mode, node.location};
  if (is_network_mode(*mode)) return;
  constexpr std::string_view kExpected =
      "'host', 'none', 'bridge', 'service:NAME', 'container:NAME' or a network";
  if (*mode == "service:") return reader.invalid(node, kExpected);
  reader.refused_by_engine(node, kExpected);
}

void read_service_mac(const yaml::Node& node, Service& service, Reader& reader) {
  service.networks.mac_address = {read_mac(node, reader), node.location};
}

constexpr Field<Service> kFields[] = {{"networks", read_networks, Null::kRefused, {}, members_of<kUseFields>},
                                      {"network_mode", read_mode},
                                      {"mac_address", read_service_mac}};

// With 'service:x' the agent fills in which container that is. Networks are the endpoints', see lower.cpp.
void emit(const Service& service, const Project& project, EngineBody& body) {
  const NetworkUses& uses = service.networks;
  if (!service.network_of().empty()) return;
  if (!uses.mode.value.empty()) {
    body.host["NetworkMode"] = uses.mode.value;
    put(body.config, "MacAddress", uses.mac_address.value);
  } else if (!uses.networks.empty()) {
    body.host["NetworkMode"] = project.networks.at(uses.networks.front().network.value).name;
  }
  for (const NetworkUse& use : uses.networks) {
    if (use.gw_priority != 0) body.needs_api(kGatewayPriorityApi);
    if (!use.interface_name.empty()) body.needs_api(kInterfaceNameApi);
  }
}

nlohmann::json print_use(const NetworkUse& use) {
  if (!use.has_options) return nullptr;
  nlohmann::json into = nlohmann::json::object();
  put(into, "aliases", use.aliases);
  put(into, "ipv4_address", use.ipv4_address);
  put(into, "ipv6_address", use.ipv6_address);
  put(into, "link_local_ips", use.link_local_ips);
  put(into, "mac_address", use.mac_address);
  put(into, "driver_opts", use.driver_opts);
  put(into, "interface_name", use.interface_name);
  if (use.priority != 0) into["priority"] = use.priority;
  if (use.gw_priority != 0) into["gw_priority"] = use.gw_priority;
  return into;
}

void print(const Service& service, const Project&, nlohmann::json& into) {
  const NetworkUses& uses = service.networks;
  for (const NetworkUse& use : uses.networks) into["networks"][use.network.value] = print_use(use);
  put(into, "network_mode", uses.mode.value);
  put(into, "mac_address", uses.mac_address.value);
}

}  // namespace

constinit const Family kNetworks{kFields, emit, print};

}  // namespace hivemind::hub::compose
