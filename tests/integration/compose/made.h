#pragma once

#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include "tests/support/engine_client.h"

namespace hivemind::tests {

// What one of both sides has made of a Compose file: inspections by name.
struct Made {
  std::map<std::string, nlohmann::json> containers;
  std::map<std::string, nlohmann::json> networks;
  std::map<std::string, nlohmann::json> volumes;
  std::string failure;  // why it made nothing, or not all
};

// All that carries the label, inspected; ids of its containers in other places become their names.
Made made_with_label(const EngineClient& engine, const std::string& label);

}  // namespace hivemind::tests
