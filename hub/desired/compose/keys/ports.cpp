#include <fmt/format.h>

#include "hub/desired/compose/keys/family.h"
#include "hub/desired/compose/scalars/address.h"

namespace hivemind::hub::compose {
namespace {

constexpr std::string_view kRemedy = "write '[[ip:]host:]container[/protocol]', such as '8080:80'";

// In lower case; nothing: there is no such protocol.
std::optional<std::string> to_protocol(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (text == "tcp" || text == "udp" || text == "sctp") return text;
  return std::nullopt;
}

bool is_address(const std::string& text) {
  return is_ipv4_address(text) || is_ipv6_address(text);
}

// "80", "80/udp", "7000-7010/tcp".
std::optional<std::pair<PortRange, std::string>> parse_target(std::string_view text) {
  std::optional<std::string> protocol = "tcp";
  if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) {
    protocol = to_protocol(std::string(text.substr(slash + 1)));
    text = text.substr(0, slash);
  }
  const auto range = parse_port_range(text);
  if (!range || !protocol) return std::nullopt;
  return std::pair{*range, *protocol};
}

// "8080", "8000-8010", "0" for any; false for anything else.
bool set_published(std::string_view text, Port& port) {
  port.zero = text == "0";
  if (!text.empty() && !port.zero) port.published = parse_port_range(text);
  return text.empty() || port.zero || port.published;
}

// "[[ip:]host:]container[/protocol]"; the host part may be empty: the engine picks the port.
std::optional<Port> parse_port(std::string_view text) {
  Port port;
  const std::size_t last = text.rfind(':');
  const auto target = parse_target(last == std::string_view::npos ? text : text.substr(last + 1));
  if (!target) return std::nullopt;
  port.target = target->first;
  port.protocol = target->second;
  if (last == std::string_view::npos) return port;
  std::string_view host = text.substr(0, last);
  if (const std::size_t colon = host.rfind(':'); colon != std::string_view::npos) {
    const std::string_view ip = host.substr(0, colon);
    port.host_ip = without_brackets(ip);
    if (!ip.empty() && (!is_address(port.host_ip) || (ip[0] != '[' && is_ipv6_address(port.host_ip)))) {
      return std::nullopt;
    }
    host = host.substr(colon + 1);
  }
  if (!set_published(host, port)) return std::nullopt;
  return port;
}

bool is_same(const Port& a, const Port& b) {
  return a.target == b.target && a.published == b.published && a.zero == b.zero && a.host_ip == b.host_ip &&
         a.protocol == b.protocol;
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
  std::vector<Port>& all = service.ports.published;
  const auto same = std::ranges::find_if(all, [&](const Port& one) { return is_same(one, port); });
  if (same != all.end()) {
    *same = std::move(port);
  } else {
    all.push_back(std::move(port));
  }
}

void read_target(const yaml::Node& node, Port& port, Reader& reader) {
  const auto text = reader.text(node, Allowed::kNumbers);
  const auto range = text ? parse_port_range(*text) : std::nullopt;
  if (text && (!range || range->count() > 1)) return reader.invalid(node, "a port of 1 to 65535");
  if (range) port.target = *range;
}
void read_published(const yaml::Node& node, Port& port, Reader& reader) {
  const auto text = reader.text(node, Allowed::kNumbers);
  if (!text || set_published(*text, port)) return;
  port.unusable = *text;
  reader.refused_by_engine(node, "a port of 1 to 65535 or a range of them", "is a variable unset?");
}
void read_host_ip(const yaml::Node& node, Port& port, Reader& reader) {
  port.host_ip = reader.text(node).value_or("");
  if (!port.host_ip.empty() && !is_address(port.host_ip)) reader.invalid(node, "an IP address");
}
void read_protocol(const yaml::Node& node, Port& port, Reader& reader) {
  const auto text = reader.text(node);
  if (!text || text->empty()) return;
  const auto protocol = to_protocol(*text);
  port.protocol = protocol.value_or(*text);
  if (!protocol) reader.refused_by_engine(node, "'tcp', 'udp' or 'sctp'");
}
// 'ingress' and 'host' both publish on the one node that there is.
template <auto Member>
void read_port_text(const yaml::Node& node, Port& port, Reader& reader) {
  port.*Member = reader.text(node).value_or("");
}
constexpr Field<Port> kPortFields[] = {{"target", read_target},
                                       {"published", read_published},
                                       {"host_ip", read_host_ip},
                                       {"protocol", read_protocol},
                                       {"mode", read_port_text<&Port::mode>},
                                       {"name", read_port_text<&Port::name>},
                                       {"app_protocol", read_port_text<&Port::app_protocol>}};

void read_port(const yaml::Node& node, Service& service, Reader& reader) {
  if (node.is_map()) {
    Port port;
    read_fields(node, kPortFields, port, reader);
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
  const auto text = reader.text(node, Allowed::kNumbers);
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
    const auto text = reader.text(item, Allowed::kNumbers);
    if (!text) continue;
    const auto target = parse_target(*text);
    if (item.type() == yaml::Type::kFloat) {
      reader.wrong_type(item, "a string or an integer");
    } else if (!target) {
      service.ports.exposed.push_back({{}, {}, *text});
      reader.refused_by_engine(item, "a port such as '80' or '53/udp'");
    } else if (std::ranges::find(service.ports.exposed, *text, &ExposedPort::written) ==
               service.ports.exposed.end()) {
      service.ports.exposed.push_back({target->first, target->second, *text});
    }
  }
}

constexpr Field<Service> kFields[] = {{"ports", read_ports, Null::kRefused, {}, members_of<kPortFields>},
                                      {"expose", read_expose}};

// Of the n-th target of a range; empty: the engine picks one.
std::string published_text(const Port& port, int n) {
  if (!port.published) return port.zero ? "0" : port.unusable;
  return port.target.count() > 1 ? std::to_string(port.published->first + n) : to_string(*port.published);
}

void emit_published(const Port& port, EngineBody& body) {
  for (int i = 0; i < port.target.count(); ++i) {
    const std::string target = fmt::format("{}/{}", port.target.first + i, port.protocol);
    body.config["ExposedPorts"][target] = nlohmann::json::object();
    nlohmann::json binding = {{"HostPort", published_text(port, i)}};
    put(binding, "HostIp", port.host_ip);
    body.host["PortBindings"][target].push_back(std::move(binding));
  }
}

void emit(const Service& service, const Project&, EngineBody& body) {
  for (const ExposedPort& exposed : service.ports.exposed) {
    for (int port = exposed.range.first; port <= exposed.range.last; ++port) {
      body.config["ExposedPorts"][fmt::format("{}/{}", port, exposed.protocol)] = nlohmann::json::object();
    }
  }
  for (const Port& port : service.ports.published) emit_published(port, body);
}

void print_published(const Port& port, nlohmann::json& into) {
  for (int i = 0; i < port.target.count(); ++i) {
    nlohmann::json one = {{"target", port.target.first + i}, {"protocol", port.protocol}};
    put(one, "mode", port.mode);
    put(one, "host_ip", port.host_ip);
    put(one, "published", published_text(port, i));
    put(one, "name", port.name);
    put(one, "app_protocol", port.app_protocol);
    into.push_back(std::move(one));
  }
}

void print(const Service& service, const Project&, nlohmann::json& into) {
  for (const Port& port : service.ports.published) print_published(port, into["ports"]);
  for (const ExposedPort& exposed : service.ports.exposed) into["expose"].push_back(exposed.written);
}

}  // namespace

constinit const Family kPorts{kFields, emit, print};

}  // namespace hivemind::hub::compose
