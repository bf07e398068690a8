#pragma once

#include <nlohmann/json.hpp>

#include "hub/desired/compose/fields.h"
#include "hub/desired/compose/model.h"
#include "hub/desired/environment.h"

// The top-level 'networks', 'volumes', 'configs' and 'secrets': what services refer to.
namespace hivemind::hub::compose {

std::map<std::string, Network> read_network_map(const yaml::Node& node, const std::string& stack,
                                                Reader& reader);
std::map<std::string, Volume> read_volume_map(const yaml::Node& node, const std::string& stack,
                                              Reader& reader);
std::map<std::string, Config> read_config_map(const yaml::Node& node, const std::string& stack,
                                              const Environment& environment, Reader& reader);
std::map<std::string, Config> read_secret_map(const yaml::Node& node, const std::string& stack,
                                              const Environment& environment, Reader& reader);

// The keys of one entry of each.
std::vector<KnownKey> network_keys();
std::vector<KnownKey> volume_keys();
std::vector<KnownKey> config_keys();
std::vector<KnownKey> secret_keys();

// Whether a node can have it: for those that a service uses. what: "config" or "secret"; at: the use.
void check_config(const Config& config, std::string_view what, const Location& at, Reader& reader);

// Bodies of POST /networks/create and POST /volumes/create, without the bookkeeping labels.
nlohmann::json network_body(const Network& network);
nlohmann::json volume_body(const Volume& volume);

}  // namespace hivemind::hub::compose
