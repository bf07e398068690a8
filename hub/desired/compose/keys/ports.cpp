#include <fmt/format.h>

#include "hub/desired/compose/keys/family.h"
#include "hub/desired/compose/scalars/address.h"

namespace hivemind::hub::compose {
namespace {

constexpr std::string_view kRemedy = "write '[[ip:]host:]container[/protocol]', such as '8080:80'";

bool is_protocol(std::string_view text) {
  return text == "tcp" || text == "udp" || text == "sctp";
}

// "80", "80/udp", "7000-7010/tcp".
std::optional<std::pair<PortRange, std::string>> parse_target(std::string_view text) {
  std::string protocol = "tcp";
  if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) {
    protocol = text.substr(slash + 1);
    text = text.substr(0, slash);
  }
  const auto range = parse_port_range(text);
  if (!range || !is_protocol(protocol)) return std::nullopt;
  return std::pair{*range, protocol};
}

// "[[ip:]host:]container[/protocol]"; the host part may be empty after an address: the engine picks the port.
std::optional<Port> parse_port(std::string_view text) {
  Port port;
  const std::size_t last = text.rfind(':');
  const auto target = parse_target(last == std::string_view::npos ? text : text.substr(last + 1));
  if (!target) return std::nullopt;
  port.target = target->first;
  port.protocol = target->second;
  if (last == std::string_view::npos) return port;
  std::string_view host = text.substr(0, last);
  const std::size_t colon = host.rfind(':');
  if (colon != std::string_view::npos) {
    port.host_ip = without_brackets(host.substr(0, colon));
    host = host.substr(colon + 1);
    if (port.host_ip.empty()) return std::nullopt;
    if (host.empty()) return port;
  }
  port.published = parse_port_range(host);
  if (!port.published) return std::nullopt;
  return port;
}

// Ranges of equal length pair up; one target may have a range to pick from.
void add(Port port, const yaml::Node& node, Service& service, Reader& reader) {
  port.location = node.location;
  const int targets = port.target.count();
  if (targets > 1 && port.published && port.published->count() != targets) {
    reader.error(
        node.location, "compose.invalid-value",
        fmt::format("port range '{}' has {} ports, its host range '{}' has {}", to_string(port.target),
                    targets, to_string(*port.published), port.published->count()));
    return;
  }
  service.ports.published.push_back(std::move(port));
}

void read_target(const yaml::Node& node, Port& port, Reader& reader) {
  const auto text = reader.text(node);
  const auto range = text ? parse_port_range(*text) : std::nullopt;
  if (text && !range) reader.invalid(node, "a port of 1 to 65535");
  if (range) port.target = *range;
}
void read_published(const yaml::Node& node, Port& port, Reader& reader) {
  const auto text = reader.text(node);
  if (!text || text->empty() || *text == "0") return;  // the engine picks one
  port.published = parse_port_range(*text);
  if (!port.published) reader.invalid(node, "a port of 1 to 65535 or a range of them");
}
void read_host_ip(const yaml::Node& node, Port& port, Reader& reader) {
  port.host_ip = without_brackets(reader.text(node).value_or(""));
}
void read_protocol(const yaml::Node& node, Port& port, Reader& reader) {
  if (const auto protocol = reader.choice(node, {"tcp", "udp", "sctp"})) port.protocol = *protocol;
}
// Both publish on the one node that there is.
void read_mode(const yaml::Node& node, Port&, Reader& reader) {
  reader.choice(node, {"ingress", "host"});
}
constexpr Field<Port> kPortFields[] = {{"target", read_target},
                                       {"published", read_published},
                                       {"host_ip", read_host_ip},
                                       {"protocol", read_protocol},
                                       {"mode", read_mode}};
constexpr UnreadKey kPortUnread[] = {{"name", Unread::kSilent}, {"app_protocol", Unread::kSilent}};

void read_port(const yaml::Node& node, Service& service, Reader& reader) {
  if (node.is_map()) {
    Port port;
    read_fields(node, kPortFields, kPortUnread, port, reader);
    if (port.target.first == 0) {
      if (node.find("target") == nullptr) {
        reader.error(node.location, "compose.missing-key",
                     "a port needs 'target', the port in the container");
      }
      return;
    }
    add(std::move(port), node, service, reader);
    return;
  }
  const auto text = reader.text(node);
  if (!text) return;
  auto port = parse_port(*text);
  if (!port) return reader.invalid(node, "a port", std::string(kRemedy));
  add(std::move(*port), node, service, reader);
}

void read_ports(const yaml::Node& node, Service& service, Reader& reader) {
  service.ports.location = node.location;
  if (!reader.is_sequence(node)) return;
  for (const yaml::Node& item : node.items) read_port(item, service, reader);
}

void read_expose(const yaml::Node& node, Service& service, Reader& reader) {
  if (!reader.is_sequence(node)) return;
  for (const yaml::Node& item : node.items) {
    const auto text = reader.text(item);
    if (!text) continue;
    const auto target = parse_target(*text);
    if (!target) {
      reader.invalid(item, "a port such as '80' or '53/udp'");
    } else {
      service.ports.exposed.push_back(*target);
    }
  }
}

constexpr Field<Service> kFields[] = {{"ports", read_ports}, {"expose", read_expose}};

void emit_published(const Port& port, EngineBody& body) {
  for (int i = 0; i < port.target.count(); ++i) {
    const std::string target = fmt::format("{}/{}", port.target.first + i, port.protocol);
    body.config["ExposedPorts"][target] = nlohmann::json::object();
    nlohmann::json binding = {{"HostPort", ""}};
    if (port.published) {
      binding["HostPort"] =
          port.target.count() > 1 ? std::to_string(port.published->first + i) : to_string(*port.published);
    }
    put(binding, "HostIp", port.host_ip);
    body.host["PortBindings"][target].push_back(std::move(binding));
  }
}

void emit(const Service& service, const Project&, EngineBody& body) {
  for (const auto& [range, protocol] : service.ports.exposed) {
    for (int port = range.first; port <= range.last; ++port) {
      body.config["ExposedPorts"][fmt::format("{}/{}", port, protocol)] = nlohmann::json::object();
    }
  }
  for (const Port& port : service.ports.published) emit_published(port, body);
}

}  // namespace

constinit const Family kPorts{kFields, emit};

}  // namespace hivemind::hub::compose
