#pragma once

#include <nlohmann/json.hpp>

// What an inspection says of configuration, so that equal things have equal forms: sets are maps or sorted,
// what differs by nature is gone. For the .cpp files of this folder; pure.
namespace hivemind::agent {

nlohmann::json normal_container(const nlohmann::json& inspected);
nlohmann::json normal_network(const nlohmann::json& inspected);
nlohmann::json normal_volume(const nlohmann::json& inspected);

}  // namespace hivemind::agent
