#include "hub/desired/compose/resources.h"

#include <functional>

#include <fmt/format.h>

#include "common/ids.h"
#include "hub/desired/compose/fields.h"
#include "hub/desired/compose/keys/family.h"

namespace hivemind::hub::compose {
namespace {

// 'external: true', or the old map with the name in it.
template <typename T>
void read_external(const yaml::Node& node, T& into, Reader& reader) {
  if (!node.is_map()) {
    into.external = reader.boolean(node).value_or(false);
    return;
  }
  into.external = true;
  constexpr Field<T> kFields[] = {
      {"name", [](const yaml::Node& name, T& one, Reader& r) { one.name = r.text(name).value_or(""); }}};
  read_fields(node, kFields, into, reader);
}
template <typename T>
void read_name(const yaml::Node& node, T& into, Reader& reader) {
  into.name = reader.text(node).value_or("");
}
template <typename T>
void read_driver(const yaml::Node& node, T& into, Reader& reader) {
  into.driver = reader.text(node).value_or("");
}
template <typename T>
void read_driver_opts(const yaml::Node& node, T& into, Reader& reader) {
  if (reader.is_map(node)) into.driver_opts = text_map(reader.pairs(node));
}
template <typename T>
void read_labels(const yaml::Node& node, T& into, Reader& reader) {
  into.labels = text_map(reader.pairs(node));
}

void read_internal(const yaml::Node& node, Network& network, Reader& reader) {
  network.internal = reader.boolean(node).value_or(false);
}
void read_attachable(const yaml::Node& node, Network& network, Reader& reader) {
  network.attachable = reader.boolean(node).value_or(false);
}
void read_enable_ipv6(const yaml::Node& node, Network& network, Reader& reader) {
  network.enable_ipv6 = reader.boolean(node);
}

template <auto Member>
void read_pool_text(const yaml::Node& node, IpamPool& pool, Reader& reader) {
  pool.*Member = reader.text(node).value_or("");
}
void read_auxiliary(const yaml::Node& node, IpamPool& pool, Reader& reader) {
  if (reader.is_map(node)) pool.auxiliary = text_map(reader.pairs(node));
}
constexpr Field<IpamPool> kPoolFields[] = {{"subnet", read_pool_text<&IpamPool::subnet>},
                                           {"gateway", read_pool_text<&IpamPool::gateway>},
                                           {"ip_range", read_pool_text<&IpamPool::ip_range>},
                                           {"aux_addresses", read_auxiliary}};

void read_ipam_driver(const yaml::Node& node, Network& network, Reader& reader) {
  network.ipam_driver = reader.text(node).value_or("");
}
void read_ipam_options(const yaml::Node& node, Network& network, Reader& reader) {
  if (reader.is_map(node)) network.ipam_options = text_map(reader.pairs(node));
}
void read_ipam_config(const yaml::Node& node, Network& network, Reader& reader) {
  if (!reader.is_sequence(node)) return;
  for (const yaml::Node& item : node.items) {
    read_fields(item, kPoolFields, network.ipam_pools.emplace_back(), reader);
  }
}
constexpr Field<Network> kIpamFields[] = {
    {"driver", read_ipam_driver}, {"config", read_ipam_config}, {"options", read_ipam_options}};
void read_ipam(const yaml::Node& node, Network& network, Reader& reader) {
  read_fields(node, kIpamFields, network, reader);
}

constexpr Field<Network> kNetworkFields[] = {{"name", read_name<Network>},
                                             {"external", read_external<Network>},
                                             {"driver", read_driver<Network>},
                                             {"driver_opts", read_driver_opts<Network>},
                                             {"labels", read_labels<Network>},
                                             {"internal", read_internal},
                                             {"attachable", read_attachable},
                                             {"enable_ipv6", read_enable_ipv6},
                                             {"ipam", read_ipam}};
constexpr UnreadKey kNetworkUnread[] = {{"enable_ipv4"}};

constexpr Field<Volume> kVolumeFields[] = {{"name", read_name<Volume>},
                                           {"external", read_external<Volume>},
                                           {"driver", read_driver<Volume>},
                                           {"driver_opts", read_driver_opts<Volume>},
                                           {"labels", read_labels<Volume>}};

// A thing of somebody else's is only looked up, so nothing but its name may be said of it.
template <typename T>
void check_external(const yaml::Node& node, const T& one, Reader& reader) {
  if (!one.external || !node.is_map()) return;
  for (const auto& [key, value] : node.members) {
    if (key.scalar == "external" || key.scalar == "name" || is_extension(key) || value.is_null()) continue;
    reader.error(key.location, "compose.conflict",
                 fmt::format("'{}.{}' contradicts 'external'", reader.path(), key.scalar),
                 "what is external exists already: remove one of the two");
  }
}

// Calls read for every entry that has a valid key; the reader stands in that key.
void for_each_entry(const yaml::Node& node, Reader& reader,
                    const std::function<void(const yaml::Node& key, const yaml::Node& value)>& read) {
  if (!reader.is_map(node)) return;
  for (const auto& [key, value] : node.members) {
    if (is_extension(key)) continue;
    if (!is_compose_key(key.scalar)) {
      reader.error(key.location, "compose.invalid-name", fmt::format("name '{}' is not valid", key.scalar),
                   "use at most 63 of a-z, A-Z, 0-9, '.', '_' and '-'");
      continue;
    }
    const Reader::Scope scope = reader.in_key(key.scalar);
    read(key, value);
  }
}

template <typename T>
void set_real_name(T& one, const std::string& stack) {
  if (one.name.empty()) one.name = one.external ? one.key : stack + "_" + one.key;
}

// --- configs

struct ConfigSource {
  Config config;
  const Environment& environment;
};

void read_config_file(const yaml::Node& node, ConfigSource& source, Reader& reader) {
  source.config.file = {reader.text(node).value_or(""), node.location};
}
void read_config_content(const yaml::Node& node, ConfigSource& source, Reader& reader) {
  source.config.content = reader.text(node);
}
void read_config_environment(const yaml::Node& node, ConfigSource& source, Reader& reader) {
  const auto name = reader.text(node);
  if (!name) return;
  source.config.content = source.environment.get(*name);
  if (!source.config.content) reader.invalid(node, "the name of a variable that is set");
}
void read_config_external(const yaml::Node& node, ConfigSource&, Reader& reader) {
  if (!node.is_map() && !reader.boolean(node).value_or(false)) return;
  reader.error(node.location, "compose.unsupported-value", "external configs are not supported",
               "give the file: 'file: ./path'");
}
void read_config_name(const yaml::Node&, ConfigSource&, Reader&) {}

constexpr Field<ConfigSource> kConfigFields[] = {{"file", read_config_file},
                                                 {"content", read_config_content},
                                                 {"environment", read_config_environment},
                                                 {"external", read_config_external},
                                                 {"name", read_config_name}};
constexpr UnreadKey kConfigUnread[] = {
    {"labels", Unread::kIgnored, "a config is a file on a node and has none"}, {"template_driver"}};

nlohmann::json ipam_json(const Network& network) {
  nlohmann::json ipam = nlohmann::json::object();
  put(ipam, "Driver", network.ipam_driver);
  put(ipam, "Options", network.ipam_options);
  for (const IpamPool& pool : network.ipam_pools) {
    nlohmann::json json = nlohmann::json::object();
    put(json, "Subnet", pool.subnet);
    put(json, "Gateway", pool.gateway);
    put(json, "IPRange", pool.ip_range);
    put(json, "AuxiliaryAddresses", pool.auxiliary);
    ipam["Config"].push_back(std::move(json));
  }
  return ipam;
}

}  // namespace

std::map<std::string, Network> read_network_map(const yaml::Node& node, const std::string& stack,
                                                Reader& reader) {
  std::map<std::string, Network> all;
  for_each_entry(node, reader, [&](const yaml::Node& key, const yaml::Node& value) {
    Network& network = all[key.scalar];
    network.key = key.scalar;
    if (!value.is_null()) read_fields(value, kNetworkFields, kNetworkUnread, network, reader);
    check_external(value, network, reader);
    set_real_name(network, stack);
  });
  return all;
}

std::map<std::string, Volume> read_volume_map(const yaml::Node& node, const std::string& stack,
                                              Reader& reader) {
  std::map<std::string, Volume> all;
  for_each_entry(node, reader, [&](const yaml::Node& key, const yaml::Node& value) {
    Volume& volume = all[key.scalar];
    volume.key = key.scalar;
    if (!value.is_null()) read_fields(value, kVolumeFields, volume, reader);
    check_external(value, volume, reader);
    set_real_name(volume, stack);
  });
  return all;
}

std::map<std::string, Config> read_config_map(const yaml::Node& node, const Environment& environment,
                                              Reader& reader) {
  std::map<std::string, Config> all;
  for_each_entry(node, reader, [&](const yaml::Node& key, const yaml::Node& value) {
    ConfigSource source{{}, environment};
    source.config.key = key.scalar;
    source.config.location = key.location;
    read_fields(value, kConfigFields, kConfigUnread, source, reader);
    const int given = (source.config.file.value.empty() ? 0 : 1) + (source.config.content ? 1 : 0);
    if (given != 1 && value.is_map() && !value.find("external") && !value.find("environment")) {
      reader.error(key.location, "compose.missing-key",
                   fmt::format("'{}' needs one of 'file', 'content' and 'environment'", reader.path()));
    }
    all[key.scalar] = std::move(source.config);
  });
  return all;
}

nlohmann::json network_body(const Network& network) {
  nlohmann::json body = {{"Name", network.name}, {"CheckDuplicate", true}};  // network names are not unique
  put(body, "Driver", network.driver);
  put(body, "Options", network.driver_opts);
  put(body, "Labels", network.labels);
  put(body, "EnableIPv6", network.enable_ipv6);
  if (network.internal) body["Internal"] = true;
  if (network.attachable) body["Attachable"] = true;
  if (nlohmann::json ipam = ipam_json(network); !ipam.empty()) body["IPAM"] = std::move(ipam);
  return body;
}

nlohmann::json volume_body(const Volume& volume) {
  nlohmann::json body = {{"Name", volume.name}};
  put(body, "Driver", volume.driver);
  put(body, "DriverOpts", volume.driver_opts);
  put(body, "Labels", volume.labels);
  return body;
}

}  // namespace hivemind::hub::compose
