#include "hub/desired/compose/resources.h"

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <type_traits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/ids.h"
#include "hub/desired/compose/assemble.h"
#include "hub/desired/compose/fields.h"
#include "hub/desired/compose/keys/family.h"

namespace hivemind::hub::compose {
namespace {

// Where the schema wants a string, it takes no number: a name is never guessed from one.
std::string read_string(const yaml::Node& node, Reader& reader) {
  if (node.type() == yaml::Type::kString) return reader.text(node).value_or("");
  reader.wrong_type(node, "a string");
  return "";
}

// 'external: true', or the old map with the name in it.
template <typename T>
void read_external(const yaml::Node& node, T& into, Reader& reader) {
  if (!node.is_map()) {
    into.external = reader.boolean(node).value_or(false);
    return;
  }
  into.external = true;
  const yaml::Node* name = node.find("name");
  if (name == nullptr) return;
  const Reader::Scope scope = reader.in_key("name");
  const std::string text = read_string(*name, reader);
  if (!into.name.empty() && into.name != text) {
    reader.error(name->location, "compose.invalid-value", "'name' and 'external.name' differ",
                 "remove the latter");
  }
  into.name = text;
}
template <typename T>
void read_name(const yaml::Node& node, T& into, Reader& reader) {
  std::string name = read_string(node, reader);
  if (into.external && !into.name.empty() && into.name != name) {
    reader.error(node.location, "compose.invalid-value", "'name' and 'external.name' differ",
                 "remove the latter");
  }
  into.name = std::move(name);
}
template <typename T>
void read_driver(const yaml::Node& node, T& into, Reader& reader) {
  into.driver = read_string(node, reader);
}
// Strings and numbers, no truth values.
TextMap read_options(const yaml::Node& node, Reader& reader) {
  if (!reader.is_map(node)) return {};
  for (const auto& [key, value] : node.members) {
    const Reader::Scope scope = reader.in_key(key.scalar);
    if (value.type() == yaml::Type::kBool || value.is_null())
      reader.wrong_type(value, "a string or a number");
  }
  return text_map(reader.pairs(node));
}
template <typename T>
void read_driver_opts(const yaml::Node& node, T& into, Reader& reader) {
  into.driver_opts = read_options(node, reader);
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
void read_enable_ipv4(const yaml::Node& node, Network& network, Reader& reader) {
  network.enable_ipv4 = reader.boolean(node);
}
void read_enable_ipv6(const yaml::Node& node, Network& network, Reader& reader) {
  network.enable_ipv6 = reader.boolean(node);
}

template <auto Member>
void read_pool_text(const yaml::Node& node, IpamPool& pool, Reader& reader) {
  pool.*Member = read_string(node, reader);
}
void read_auxiliary(const yaml::Node& node, IpamPool& pool, Reader& reader) {
  pool.auxiliary = read_options(node, reader);
}
constexpr Field<IpamPool> kPoolFields[] = {{"subnet", read_pool_text<&IpamPool::subnet>},
                                           {"gateway", read_pool_text<&IpamPool::gateway>},
                                           {"ip_range", read_pool_text<&IpamPool::ip_range>},
                                           {"aux_addresses", read_auxiliary}};

void read_ipam_driver(const yaml::Node& node, Network& network, Reader& reader) {
  network.ipam_driver = read_string(node, reader);
}
void read_ipam_options(const yaml::Node& node, Network& network, Reader& reader) {
  network.ipam_options = read_options(node, reader);
}
void read_ipam_config(const yaml::Node& node, Network& network, Reader& reader) {
  if (!reader.is_sequence(node)) return;
  for (const yaml::Node& item : node.items) {
    read_fields(item, kPoolFields, network.ipam_pools.emplace_back(), reader);
  }
}
constexpr Field<Network> kIpamFields[] = {
    {"driver", read_ipam_driver},
    {.key = "config", .read = read_ipam_config, .members = members_of<kPoolFields>},
    {"options", read_ipam_options}};
void read_ipam(const yaml::Node& node, Network& network, Reader& reader) {
  read_fields(node, kIpamFields, network, reader);
}

constexpr Field<Network> kNetworkFields[] = {
    {"name", read_name<Network>},
    {"external", read_external<Network>},
    {"driver", read_driver<Network>},
    {"driver_opts", read_driver_opts<Network>},
    {"labels", read_labels<Network>},
    {"internal", read_internal},
    {"attachable", read_attachable},
    {"enable_ipv4", read_enable_ipv4},
    {"enable_ipv6", read_enable_ipv6},
    {.key = "ipam", .read = read_ipam, .members = members_of<kIpamFields>}};
constexpr Field<Volume> kVolumeFields[] = {{"name", read_name<Volume>},
                                           {"external", read_external<Volume>},
                                           {"driver", read_driver<Volume>},
                                           {"driver_opts", read_driver_opts<Volume>},
                                           {"labels", read_labels<Volume>}};

// A thing of somebody else's is only looked up, so nothing but its name may be said of it. The reference
// refuses that of a volume and ignores it of a network.
template <typename T>
void check_external(const yaml::Node& node, const T& one, Reader& reader) {
  if (!one.external || !node.is_map()) return;
  for (const auto& [key, value] : node.members) {
    if (key.scalar == "external" || key.scalar == "name" || is_extension(key)) continue;
    if constexpr (std::is_same_v<T, Network>) {
      reader.ignored_key(key, "the network is external, hence exists already");
    } else {
      reader.error(key.location, "compose.invalid-value",
                   fmt::format("'{}.{}' contradicts 'external'", reader.path(), key.scalar),
                   "what is external exists already: remove one of the two");
    }
  }
}

// Calls read for every entry that has a valid key; the reader stands in that key.
void for_each_entry(const yaml::Node& node, Reader& reader,
                    const std::function<void(const yaml::Node& key, const yaml::Node& value)>& read) {
  if (!reader.is_map(node)) return;
  for (const auto& [key, value] : node.members) {
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

// --- configs and secrets

struct ConfigSource {
  Config config;
  const Environment& environment;
};

void read_config_file(const yaml::Node& node, ConfigSource& source, Reader& reader) {
  source.config.file = {read_string(node, reader), node.location};
}
void read_config_content(const yaml::Node& node, ConfigSource& source, Reader& reader) {
  source.config.content = read_string(node, reader);
}
void read_config_environment(const yaml::Node& node, ConfigSource& source, Reader& reader) {
  source.config.environment = read_string(node, reader);
  if (!source.config.environment.empty())
    source.config.content = source.environment.get(source.config.environment);
}
void read_config_labels(const yaml::Node& node, ConfigSource& source, Reader& reader) {
  read_labels(node, source.config, reader);
}
void read_config_driver_opts(const yaml::Node& node, ConfigSource& source, Reader& reader) {
  source.config.driver_opts = read_options(node, reader);
}
void read_config_external(const yaml::Node& node, ConfigSource& source, Reader& reader) {
  read_external(node, source.config, reader);
}
void read_config_name(const yaml::Node& node, ConfigSource& source, Reader& reader) {
  read_name(node, source.config, reader);
}
template <auto Member>
void read_config_text(const yaml::Node& node, ConfigSource& source, Reader& reader) {
  source.config.*Member = read_string(node, reader);
}

constexpr Field<ConfigSource> kConfigFields[] = {
    {"file", read_config_file},
    {"content", read_config_content},
    {"environment", read_config_environment},
    {"external", read_config_external},
    {"name", read_config_name},
    {"labels", read_config_labels},
    {"template_driver", read_config_text<&Config::template_driver>}};
constexpr Field<ConfigSource> kSecretFields[] = {
    {"file", read_config_file},
    {"environment", read_config_environment},
    {"external", read_config_external},
    {"name", read_config_name},
    {"labels", read_config_labels},
    {"driver", read_config_text<&Config::driver>},
    {"driver_opts", read_config_driver_opts},
    {"template_driver", read_config_text<&Config::template_driver>}};

// Exactly one of the sources; none for what is external.
void check_source(const yaml::Node& value, const Config& config, std::initializer_list<const char*> sources,
                  Reader& reader) {
  if (!value.is_map()) return;
  const auto given =
      std::ranges::count_if(sources, [&](const char* key) { return value.find(key) != nullptr; });
  const std::string names = fmt::format("'{}'", fmt::join(sources, "', '"));
  if (given > 1) {
    reader.error(config.location, "compose.invalid-value",
                 fmt::format("'{}' has more than one of {}", reader.path(), names), "remove all but one");
  } else if (given == 0 && value.find("external") == nullptr) {
    reader.error(config.location, value.find("driver") ? "compose.missing-source" : "compose.missing-key",
                 fmt::format("'{}' needs one of {}", reader.path(), names));
  }
}

std::map<std::string, Config> read_sources(const yaml::Node& node, const std::string& stack,
                                           const Environment& environment,
                                           std::span<const Field<ConfigSource>> fields,
                                           std::initializer_list<const char*> sources, Reader& reader) {
  std::map<std::string, Config> all;
  for_each_entry(node, reader, [&](const yaml::Node& key, const yaml::Node& value) {
    ConfigSource source{{}, environment};
    source.config.key = key.scalar;
    source.config.location = key.location;
    read_fields(value, fields, std::span<const UnreadKey>{}, source, reader);
    if (const yaml::Node* passed = value.find(kPassedValue); passed != nullptr && passed->is_scalar())
      source.config.content = passed->scalar;
    check_source(value, source.config, sources, reader);
    set_real_name(source.config, stack);
    all[key.scalar] = std::move(source.config);
  });
  return all;
}

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

std::vector<KnownKey> network_keys() {
  return members_of<kNetworkFields>();
}
std::vector<KnownKey> volume_keys() {
  return members_of<kVolumeFields>();
}
std::vector<KnownKey> config_keys() {
  return members_of<kConfigFields>();
}
std::vector<KnownKey> secret_keys() {
  return members_of<kSecretFields>();
}

std::map<std::string, Network> read_network_map(const yaml::Node& node, const std::string& stack,
                                                Reader& reader) {
  std::map<std::string, Network> all;
  for_each_entry(node, reader, [&](const yaml::Node& key, const yaml::Node& value) {
    Network& network = all[key.scalar];
    network.key = key.scalar;
    if (!value.is_null()) read_fields(value, kNetworkFields, network, reader);
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
    volume.location = key.location;
    if (!value.is_null()) read_fields(value, kVolumeFields, volume, reader);
    check_external(value, volume, reader);
    set_real_name(volume, stack);
    if (volume.binds_relative_path()) {
      reader.error(key.location, "compose.unsupported-value",
                   fmt::format("volume '{}' binds the relative path '{}'", key.scalar,
                               volume.driver_opts.at("device")),
                   "give an absolute path of the node, or mount './path' in the service");
    }
  });
  return all;
}

std::map<std::string, Config> read_config_map(const yaml::Node& node, const std::string& stack,
                                              const Environment& environment, Reader& reader) {
  return read_sources(node, stack, environment, kConfigFields, {"file", "content", "environment"}, reader);
}

std::map<std::string, Config> read_secret_map(const yaml::Node& node, const std::string& stack,
                                              const Environment& environment, Reader& reader) {
  return read_sources(node, stack, environment, kSecretFields, {"file", "environment"}, reader);
}

void check_config(const Config& config, std::string_view what, const Location& at, Reader& reader) {
  const auto refuse = [&](std::string_view code, std::string_view why, std::string remedy) {
    reader.error(at, code, fmt::format("{} '{}' {}", what, config.key, why), std::move(remedy));
  };
  if (config.external && what == "secret") return;  // the hub's store has it, or says that it has not
  if (config.external) {
    refuse("compose.unsupported-value", "is external, and nodes have no store of such things",
           "give the file ('file: ./path') or the variable ('environment: NAME') that it is");
  } else if (!config.driver.empty() || !config.template_driver.empty()) {
    refuse("compose.unsupported-value", "has a driver, and nodes have none", "remove the driver");
  } else if (!config.environment.empty() && !config.content) {
    refuse("compose.unset-variable",
           fmt::format("is made of variable '{}', which is not set", config.environment),
           "set it in stacks.yml");
  }
}

bool Volume::binds_relative_path() const {
  const auto option = [this](const char* wanted) {
    const auto found = driver_opts.find(wanted);
    return found == driver_opts.end() ? std::string() : found->second;
  };
  return driver == "local" && option("o") == "bind" && !option("device").empty() &&
         !option("device").starts_with("/");
}

nlohmann::json network_body(const Network& network) {
  nlohmann::json body = {{"Name", network.name}, {"CheckDuplicate", true}};  // network names are not unique
  put(body, "Driver", network.driver);
  put(body, "Options", network.driver_opts);
  put(body, "Labels", network.labels);
  put(body, "EnableIPv4", network.enable_ipv4);
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
