#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hivemind::hub::registry {

// One way to authenticate that a WWW-Authenticate header offers (RFC 9110, 11.3).
struct Challenge {
  std::string scheme;                             // lower case: "bearer", "basic"
  std::map<std::string, std::string> parameters;  // names in lower case
};

// What cannot be read is left out.
std::vector<Challenge> parse_challenges(std::string_view header);

}  // namespace hivemind::hub::registry
