#pragma once

#include "hub/desired/compose/keys/family.h"

// The parts of 'deploy' that are units of their own.
namespace hivemind::hub::compose {

// 'deploy.resources'. The same limit may stand directly in the service, see Limit.
void read_deploy_resources(const yaml::Node& node, Service& service, Reader& reader);
std::vector<KnownKey> deploy_resource_keys();
nlohmann::json print_deploy_resources(const Resources& resources);

// 'deploy.update_config' and 'deploy.rollback_config'. kUpdate: its order counts.
enum class Change { kUpdate, kRollback };
std::optional<UpdateConfig> read_update_config(const yaml::Node& node, Change change, Reader& reader);
std::vector<KnownKey> update_config_keys();
std::vector<KnownKey> rollback_config_keys();
nlohmann::json print_update_config(const UpdateConfig& config);

// Why what only Swarm does is ignored.
inline constexpr std::string_view kSwarmOnly =
    "it is for Swarm; stacks.yml says where a stack runs and how it is rolled out";

}  // namespace hivemind::hub::compose
