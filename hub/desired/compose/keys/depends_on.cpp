#include <fmt/format.h>

#include "hub/desired/compose/keys/family.h"

namespace hivemind::hub::compose {
namespace {

void read_condition(const yaml::Node& node, Dependency& dependency, Reader& reader) {
  const auto condition =
      reader.choice(node, {"service_started", "service_healthy", "service_completed_successfully"});
  if (condition == "service_healthy") dependency.condition = v1::Dependency::HEALTHY;
  if (condition == "service_completed_successfully") dependency.condition = v1::Dependency::COMPLETED;
}
void read_required(const yaml::Node& node, Dependency& dependency, Reader& reader) {
  dependency.required = reader.boolean(node).value_or(true);
}
void read_restart(const yaml::Node& node, Dependency& dependency, Reader& reader) {
  dependency.restart = reader.boolean(node).value_or(false);
}
constexpr Field<Dependency> kDependencyFields[] = {
    {"condition", read_condition}, {"required", read_required}, {"restart", read_restart}};

void read_one(const yaml::Node& key, const yaml::Node& value, Dependency& dependency, Reader& reader) {
  dependency.location = key.location;
  if (!reader.is_map(value)) return;
  read_fields(value, kDependencyFields, dependency, reader);
  if (value.find("condition") == nullptr) {
    reader.error(key.location, "compose.missing-key", fmt::format("'{}' needs 'condition'", reader.path()),
                 "write 'condition: service_started'");
  }
}

void read_depends_on(const yaml::Node& node, Service& service, Reader& reader) {
  if (node.is_sequence()) {
    for (const Text& name : reader.texts(node)) {
      const auto [dependency, fresh] = service.depends_on.try_emplace(name.value);
      dependency->second.location = name.location;
      if (fresh) continue;
      reader.error(name.location, "compose.duplicate",
                   fmt::format("service '{}' is listed twice", name.value));
    }
  } else if (node.is_map()) {
    for (const auto& [key, value] : node.members) {
      const Reader::Scope scope = reader.in_key(key.scalar);
      read_one(key, value, service.depends_on[key.scalar], reader);
    }
  } else {
    reader.wrong_type(node, "a list of services or a map");
  }
}

constexpr Field<Service> kFields[] = {
    {"depends_on", read_depends_on, Null::kRefused, {}, members_of<kDependencyFields>}};

// Order is the agent's: the engine knows no dependencies.
void emit(const Service&, const Project&, EngineBody&) {}

const char* name_of(v1::Dependency::Condition condition) {
  if (condition == v1::Dependency::HEALTHY) return "service_healthy";
  if (condition == v1::Dependency::COMPLETED) return "service_completed_successfully";
  return "service_started";
}

void print(const Service& service, const Project&, nlohmann::json& into) {
  for (const auto& [name, dependency] : service.depends_on) {
    nlohmann::json& one = into["depends_on"][name];
    one = {{"condition", name_of(dependency.condition)}, {"required", dependency.required}};
    if (dependency.restart) one["restart"] = true;
  }
}

}  // namespace

constinit const Family kDependsOn{kFields, emit, print};

}  // namespace hivemind::hub::compose
