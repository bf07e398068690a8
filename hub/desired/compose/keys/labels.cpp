#include "hub/desired/compose/keys/family.h"

namespace hivemind::hub::compose {

TextMap text_map(const Pairs& pairs) {
  TextMap all;
  for (const auto& [name, value] : pairs) all[name] = value.value.value_or("");
  return all;
}

namespace {

constexpr std::string_view kReserved[] = {"com.hivemind.", "com.docker.compose."};

void read_labels(const yaml::Node& node, Service& service, Reader& reader) {
  const Pairs pairs = reader.pairs(node);
  for (const auto& [name, value] : pairs) {
    for (const std::string_view prefix : kReserved) {
      if (!name.starts_with(prefix)) continue;
      reader.error(value.location, "compose.reserved-label", "label '" + name + "' is reserved",
                   "labels that begin with '" + std::string(prefix) + "' are set by the agent");
    }
  }
  service.labels = text_map(pairs);
}

constexpr Field<Service> kFields[] = {{"labels", read_labels}};

void emit(const Service& service, const Project&, EngineBody& body) {
  put(body.config, "Labels", service.labels);
}

}  // namespace

constinit const Family kLabels{kFields, emit};

}  // namespace hivemind::hub::compose
