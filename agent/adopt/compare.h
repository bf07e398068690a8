#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// What two things of one engine that mean the same configuration must have in common. Pure; the documents are
// answers of the engine's inspect calls.
namespace hivemind::agent {

struct Difference {
  std::string path;    // "HostConfig.Memory", "Config.Env.GREETING"
  std::string ours;    // JSON; empty: absent
  std::string theirs;  // likewise
  bool operator==(const Difference&) const = default;
};

struct Comparison {
  std::size_t fields = 0;                 // that at least one side has
  std::vector<Difference> differences{};  // sorted by path
};

// Whether the subnets of a network were asked for; those that the engine chose differ by nature.
enum class Subnets { kChosen, kGiven };

// What differs by nature is left out: ids and what is named by them, state, addresses that the engine gave,
// names of anonymous volumes, the labels of docker compose and ours. What the engine takes for the same is
// the same: null, an empty list and an absent field, the order of a set, "src:dst" and "src:dst:rw", binds
// and the mounts that they stand for. All throw kCorrupt for what is no JSON object.
Comparison compare_containers(std::string_view ours, std::string_view theirs);
Comparison compare_networks(std::string_view ours, std::string_view theirs, Subnets subnets);
Comparison compare_volumes(std::string_view ours, std::string_view theirs);

// The bodies of POST /networks/create and /volumes/create as the inspection of what they make would show
// them, as far as these comparisons look. Throw kInvalid for a body that is no JSON object.
std::string inspection_of_network_body(std::string_view body);
std::string inspection_of_volume_body(std::string_view body);
// Whether the body of POST /networks/create asks for subnets.
Subnets subnets_of(std::string_view network_body);

}  // namespace hivemind::agent
