#include <algorithm>
#include <array>

#include "hub/desired/compose/assemble.h"
#include "hub/desired/compose/print.h"

namespace hivemind::hub::compose {
namespace {

using nlohmann::json;

// Maps whose keys are the user's own: there 'x-' means nothing.
constexpr std::array<std::string_view, 20> kOwnKeys{"additional_contexts",
                                                    "annotations",
                                                    "args",
                                                    "aux_addresses",
                                                    "configs",
                                                    "depends_on",
                                                    "driver_opts",
                                                    "environment",
                                                    "extra_hosts",
                                                    "labels",
                                                    "models",
                                                    "networks",
                                                    "options",
                                                    "secrets",
                                                    "services",
                                                    "ssh",
                                                    "storage_opt",
                                                    "sysctls",
                                                    "ulimits",
                                                    "volumes"};

bool has_own_keys(const std::string& key) {
  return std::ranges::find(kOwnKeys, key) != kOwnKeys.end();
}

// Those below what the document has in common with the model. name: of the value.
void add_extensions(json& model, const yaml::Node& document, const std::string& name) {
  if (model.is_object() && document.is_map()) {
    for (const auto& [key, value] : document.members) {
      const bool extension =
          key.scalar.starts_with("x-") && key.scalar != kPassedValue && !has_own_keys(name);
      const auto found = model.find(key.scalar);
      if (found != model.end()) {
        if (!extension) add_extensions(*found, value, key.scalar);
      } else if (extension) {
        model[key.scalar] = dollars_doubled(print_node(value));
      }
    }
  } else if (model.is_array() && document.is_sequence() && model.size() == document.items.size()) {
    for (std::size_t i = 0; i < model.size(); ++i) add_extensions(model[i], document.items[i], "");
  }
}

void erase_if_equal(json& map, const char* key, const json& value) {
  if (!map.is_object()) return;
  const auto found = map.find(key);
  if (found != map.end() && *found == value) map.erase(found);
}

void lower_keys(json& map) {
  if (!map.is_object()) return;
  for (const auto& [upper, lower] : {std::pair{"Path", "path"}, {"Rate", "rate"}, {"Weight", "weight"}}) {
    if (!map.contains(upper)) continue;
    map[lower] = map[upper];
    map.erase(upper);
  }
}

template <typename Change>
void for_each(json& map, const char* key, Change change) {
  if (!map.is_object() || !map.contains(key)) return;
  for (json& item : map[key]) change(item);
}

void shape_service(json& service) {
  for (const char* key : {"command", "entrypoint"}) erase_if_equal(service, key, nullptr);
  for_each(service, "blkio_config", [](json& limits) {
    if (limits.is_array()) std::ranges::for_each(limits, lower_keys);
  });
  if (service.contains("deploy")) {
    for (const char* key : {"placement", "resources"}) erase_if_equal(service["deploy"], key, json::object());
  }
  if (service.contains("develop")) {
    for_each(service["develop"], "watch", [](json& trigger) {
      erase_if_equal(trigger, "exec", {{"command", nullptr}});
    });
  }
  for_each(service, "ulimits", [](json& limit) {
    if (!limit.is_object() || limit.contains("single")) return;
    for (const char* key : {"soft", "hard"}) {
      if (!limit.contains(key)) limit[key] = 0;
    }
  });
}

}  // namespace

json yaml_shape(json model, const yaml::Node& document) {
  for_each(model, "services", shape_service);
  for_each(model, "networks", [](json& network) { erase_if_equal(network, "ipam", json::object()); });
  add_extensions(model, document, "");
  return model;
}

}  // namespace hivemind::hub::compose
