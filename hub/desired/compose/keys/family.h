#pragma once

#include <algorithm>
#include <span>
#include <utility>

#include <nlohmann/json.hpp>

#include "hub/desired/compose/fields.h"
#include "hub/desired/compose/model.h"

namespace hivemind::hub::compose {

// The body of POST /containers/create, in the making.
struct EngineBody {
  nlohmann::json config = nlohmann::json::object();
  nlohmann::json host = nlohmann::json::object();  // becomes HostConfig
  int api_minor = 41;                              // of the lowest Engine API (1.x) that has all that is used

  void needs_api(int minor) { api_minor = std::max(api_minor, minor); }
};

// Keys of a service that belong together: how they are read into the model, what becomes of them in the
// engine's body, and how they are printed in the normalised model, in the shape that 'docker compose config'
// has (paths through Project::printed_path). Reading sees one key at a time; what concerns several keys or
// services is validate.h's.
struct Family {
  std::span<const Field<Service>> fields;
  void (*emit)(const Service& service, const Project& project, EngineBody& body);
  void (*print)(const Service& service, const Project& project, nlohmann::json& into) = nullptr;
};

extern const Family kBlockIo, kConfigs, kDependsOn, kDeploy, kDeviceRequests, kDevices, kEnvironment,
    kHealthcheck, kHooks, kHosts, kImage, kLabels, kLifecycle, kLinks, kLogging, kMounts, kNetworks, kPorts,
    kOwn, kProcess, kResources, kSecurity, kVolumesFrom;

// Readers of keys that fill one member of one part of the service.
template <auto Part, auto Member>
void read_text(const yaml::Node& node, Service& service, Reader& reader) {
  if (auto value = reader.text(node)) (service.*Part).*Member = std::move(*value);
}
template <auto Part, auto Member>
void read_flag(const yaml::Node& node, Service& service, Reader& reader) {
  if (auto value = reader.boolean(node)) (service.*Part).*Member = *value;
}
template <auto Part, auto Member>
void read_integer(const yaml::Node& node, Service& service, Reader& reader) {
  if (auto value = reader.integer(node)) (service.*Part).*Member = *value;
}
// A list, or a single string.
template <auto Part, auto Member>
void read_words(const yaml::Node& node, Service& service, Reader& reader) {
  (service.*Part).*Member = values(reader.text_or_texts(node));
}

// A list alone.
template <auto Part, auto Member>
void read_list(const yaml::Node& node, Service& service, Reader& reader) {
  (service.*Part).*Member = values(reader.texts(node));
}

// Absent and empty values are left out of the body: the engine's default holds.
inline void put(nlohmann::json& into, const char* name, const std::string& value) {
  if (!value.empty()) into[name] = value;
}
inline void put(nlohmann::json& into, const char* name, const Words& value) {
  if (!value.empty()) into[name] = value;
}
inline void put(nlohmann::json& into, const char* name, const TextMap& value) {
  if (!value.empty()) into[name] = value;
}
template <typename T>
void put(nlohmann::json& into, const char* name, const std::optional<T>& value) {
  if (value) into[name] = *value;
}

// Whether a service may have the label, with a diagnostic when not.
bool check_label(const std::string& name, const Location& at, Reader& reader);

// Whether there is such a restart policy, of the engine or of Swarm.
void check_restart(const yaml::Node& node, const std::string& name, Reader& reader);

// Values as strings; without one, the empty string.
TextMap text_map(const Pairs& pairs);

}  // namespace hivemind::hub::compose
