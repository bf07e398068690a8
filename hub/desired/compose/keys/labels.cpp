#include "hub/desired/compose/keys/family.h"

namespace hivemind::hub::compose {

TextMap text_map(const Pairs& pairs) {
  TextMap all;
  for (const auto& [name, value] : pairs) all[name] = value.value.value_or("");
  return all;
}

bool check_label(const std::string& name, const Location& at, Reader& reader) {
  for (const std::string prefix : {"com.hivemind.", "com.docker.compose."}) {
    if (!name.starts_with(prefix)) continue;
    reader.error(at, "compose.reserved-label", "label '" + name + "' is reserved",
                 "labels that begin with '" + prefix + "' are set by the agent");
    return false;
  }
  return true;
}

namespace {

void read_labels(const yaml::Node& node, Service& service, Reader& reader) {
  const Pairs pairs = reader.pairs(node);
  for (const auto& [name, value] : pairs) check_label(name, value.location, reader);
  service.labels.labels = text_map(pairs);
}
void read_label_file(const yaml::Node& node, Service& service, Reader& reader) {
  service.labels.files = reader.text_or_texts(node);
}
void read_annotations(const yaml::Node& node, Service& service, Reader& reader) {
  service.labels.annotations = text_map(reader.pairs(node));
}

constexpr Field<Service> kFields[] = {
    {"labels", read_labels}, {"label_file", read_label_file}, {"annotations", read_annotations}};

void emit(const Service& service, const Project&, EngineBody& body) {
  put(body.config, "Labels", service.labels.labels);
  put(body.host, "Annotations", service.labels.annotations);
  if (!service.labels.annotations.empty()) body.needs_api(43);
}

// Label files are among the labels by now.
void print(const Service& service, const Project&, nlohmann::json& into) {
  put(into, "labels", service.labels.labels);
  put(into, "annotations", service.labels.annotations);
}

}  // namespace

constinit const Family kLabels{kFields, emit, print};

}  // namespace hivemind::hub::compose
