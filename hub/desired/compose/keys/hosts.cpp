#include "hub/desired/compose/keys/family.h"
#include "hub/desired/compose/scalars/address.h"

namespace hivemind::hub::compose {
namespace {

void add_host(const yaml::Node& at, std::string_view name, std::string_view ip, Service& service,
              Reader& reader) {
  if (name.empty() || ip.empty()) {
    reader.error(at.location, "compose.invalid-value",
                 "'extra_hosts' needs a name and an address, such as 'printer:192.168.1.9'");
    return;
  }
  service.hosts.extra_hosts.push_back(std::string(name) + ":" + without_brackets(ip));
}

// A list of "host:ip" or "host=ip", or a map of host to one or more addresses.
void read_extra_hosts(const yaml::Node& node, Service& service, Reader& reader) {
  if (node.is_map()) {
    for (const auto& [key, value] : node.members) {
      for (const Text& ip : reader.text_or_texts(value))
        add_host(value, key.scalar, ip.value, service, reader);
    }
    return;
  }
  if (!reader.is_sequence(node)) return;
  for (const yaml::Node& item : node.items) {
    const auto text = reader.text(item);
    if (!text) continue;
    const std::size_t cut = text->find_first_of("=:");
    const std::string_view all = *text;
    add_host(item, all.substr(0, cut), cut == std::string::npos ? "" : all.substr(cut + 1), service, reader);
  }
}

template <auto Member>
void read_name(const yaml::Node& node, Service& service, Reader& reader) {
  service.hosts.location = node.location;
  read_text<&Service::hosts, Member>(node, service, reader);
}

constexpr Field<Service> kFields[] = {
    {"hostname", read_name<&Hosts::hostname>},
    {"domainname", read_name<&Hosts::domainname>},
    {"dns", read_words<&Service::hosts, &Hosts::dns>},
    {"dns_search", read_words<&Service::hosts, &Hosts::dns_search>},
    {"dns_opt", read_words<&Service::hosts, &Hosts::dns_options>},
    {"extra_hosts", read_extra_hosts},
};

void emit(const Service& service, const Project&, EngineBody& body) {
  const Hosts& hosts = service.hosts;
  put(body.config, "Hostname", hosts.hostname);
  put(body.config, "Domainname", hosts.domainname);
  put(body.host, "Dns", hosts.dns);
  put(body.host, "DnsSearch", hosts.dns_search);
  put(body.host, "DnsOptions", hosts.dns_options);
  put(body.host, "ExtraHosts", hosts.extra_hosts);
}

}  // namespace

constinit const Family kHosts{kFields, emit};

}  // namespace hivemind::hub::compose
