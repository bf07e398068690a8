#include <arpa/inet.h>
#include <fmt/format.h>

#include "hub/desired/compose/keys/family.h"
#include "hub/desired/compose/scalars/address.h"

namespace hivemind::hub::compose {
namespace {

constexpr std::string_view kGateway = "host-gateway";  // the engine puts in its own address

bool is_address(const std::string& text) {
  in6_addr any{};
  return inet_pton(AF_INET, text.c_str(), &any) == 1 || inet_pton(AF_INET6, text.c_str(), &any) == 1;
}

void add_host(const yaml::Node& at, std::string_view name, std::string_view ip, Service& service,
              Reader& reader) {
  if (name.empty() || name.find_first_of(":=") != std::string_view::npos) {
    reader.error(at.location, "compose.invalid-value",
                 fmt::format("'extra_hosts' has '{}' for a host's name", name),
                 "write a name and an address, such as 'printer=192.168.1.9'");
    return;
  }
  std::string address = without_brackets(ip);
  if (!is_address(address) && address != kGateway) {
    reader.warning(at.location, "compose.invalid-address",
                   fmt::format("'extra_hosts' has '{}' for the address of '{}': the engine will refuse it",
                               address, name),
                   "write an address, such as '192.168.1.9', or 'host-gateway'");
  }
  service.hosts.extra_hosts.emplace_back(name, std::move(address));
}

void add_hosts(const yaml::Node& at, std::string_view name, std::string_view addresses, Service& service,
               Reader& reader) {
  for (bool more = true; more;) {
    const std::size_t comma = addresses.find(',');
    add_host(at, name, addresses.substr(0, comma), service, reader);
    more = comma != std::string_view::npos;
    if (more) addresses.remove_prefix(comma + 1);
  }
}

// "host=address", or "host:address" where there is no '='.
void read_host(const yaml::Node& item, Service& service, Reader& reader) {
  const auto text = reader.text(item);
  if (!text) return;
  const std::string_view all = *text;
  const std::size_t cut = all.find('=') != std::string_view::npos ? all.find('=') : all.find(':');
  if (cut == std::string_view::npos) {
    reader.error(item.location, "compose.invalid-value",
                 fmt::format("'extra_hosts' has no address for '{}'", all),
                 "write a name and an address, such as 'printer=192.168.1.9'");
    return;
  }
  add_hosts(item, all.substr(0, cut), all.substr(cut + 1), service, reader);
}

// A list, or a map of host to one or more addresses.
void read_extra_hosts(const yaml::Node& node, Service& service, Reader& reader) {
  if (node.is_map()) {
    for (const auto& [key, value] : node.members) {
      const Reader::Scope scope = reader.in_key(key.scalar);
      for (const Text& ip : reader.text_or_texts(value))
        add_host(value, key.scalar, ip.value, service, reader);
    }
  } else if (node.is_sequence()) {
    for (const yaml::Node& item : node.items) read_host(item, service, reader);
  } else {
    reader.wrong_type(node, "a map or a list of 'host=address'");
  }
  std::ranges::stable_sort(service.hosts.extra_hosts);
}

template <auto Member>
void read_name(const yaml::Node& node, Service& service, Reader& reader) {
  service.hosts.location = node.location;
  read_text<&Service::hosts, Member>(node, service, reader);
}

// A variable without a value makes no server.
void read_dns(const yaml::Node& node, Service& service, Reader& reader) {
  Words servers = values(reader.text_or_texts(node));
  std::erase(servers, "");
  service.hosts.dns = std::move(servers);
}

constexpr Field<Service> kFields[] = {
    {"hostname", read_name<&Hosts::hostname>},
    {"domainname", read_name<&Hosts::domainname>},
    {"dns", read_dns},
    {"dns_search", read_words<&Service::hosts, &Hosts::dns_search>},
    {"dns_opt", read_list<&Service::hosts, &Hosts::dns_options>},
    {"extra_hosts", read_extra_hosts},
};

Words joined(const Hosts& hosts, std::string_view separator) {
  Words all;
  for (const auto& [name, address] : hosts.extra_hosts) {
    all.push_back(fmt::format("{}{}{}", name, separator, address));
  }
  return all;
}

void emit(const Service& service, const Project&, EngineBody& body) {
  const Hosts& hosts = service.hosts;
  put(body.config, "Hostname", hosts.hostname);
  put(body.config, "Domainname", hosts.domainname);
  put(body.host, "Dns", hosts.dns);
  put(body.host, "DnsSearch", hosts.dns_search);
  put(body.host, "DnsOptions", hosts.dns_options);
  put(body.host, "ExtraHosts", joined(hosts, ":"));
}

void print(const Service& service, const Project&, nlohmann::json& into) {
  const Hosts& hosts = service.hosts;
  put(into, "hostname", hosts.hostname);
  put(into, "domainname", hosts.domainname);
  put(into, "dns", hosts.dns);
  put(into, "dns_search", hosts.dns_search);
  put(into, "dns_opt", hosts.dns_options);
  Words extra = joined(hosts, "=");
  std::ranges::sort(extra);
  put(into, "extra_hosts", extra);
}

}  // namespace

constinit const Family kHosts{kFields, emit, print};

}  // namespace hivemind::hub::compose
