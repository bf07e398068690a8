#pragma once

#include <string>
#include <string_view>
#include <vector>

// What a node's owner may ask of image references. Pure. What is no reference meets no rule: an id names no
// registry, and is no digest that a registry vouches for.
namespace hivemind::agent {

// registries: HOST[:PORT][/PATH]; the path is one of whole parts. Docker Hub is "docker.io".
bool is_from(std::string_view reference, const std::vector<std::string>& registries);
bool has_digest(std::string_view reference);

}  // namespace hivemind::agent
