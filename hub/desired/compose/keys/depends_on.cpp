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
void read_restart(const yaml::Node& node, Dependency&, Reader& reader) {
  if (!reader.boolean(node).value_or(false)) return;
  reader.warning(node.location, "compose.ignored-key", "key '" + reader.path() + "' is ignored",
                 "a service is not restarted when its dependency is replaced");
}
constexpr Field<Dependency> kDependencyFields[] = {
    {"condition", read_condition}, {"required", read_required}, {"restart", read_restart}};

void read_depends_on(const yaml::Node& node, Service& service, Reader& reader) {
  if (node.is_sequence()) {
    for (const Text& name : reader.texts(node)) service.depends_on[name.value].location = name.location;
  } else if (node.is_map()) {
    for (const auto& [key, value] : node.members) {
      const Reader::Scope scope = reader.in_key(key.scalar);
      Dependency& dependency = service.depends_on[key.scalar];
      dependency.location = key.location;
      if (!value.is_null()) read_fields(value, kDependencyFields, dependency, reader);
    }
  } else {
    reader.wrong_type(node, "a list of services or a map");
  }
}

constexpr Field<Service> kFields[] = {{"depends_on", read_depends_on}};

// Order is the agent's: the engine knows no dependencies.
void emit(const Service&, const Project&, EngineBody&) {}

}  // namespace

constinit const Family kDependsOn{kFields, emit};

}  // namespace hivemind::hub::compose
