#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace hivemind::hub::yaml {

// A value as a YAML document in block style. Strings that would read back as something else are quoted.
std::string print(const nlohmann::json& value);

}  // namespace hivemind::hub::yaml
