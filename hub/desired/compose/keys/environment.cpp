#include <fmt/format.h>

#include "hub/desired/compose/keys/family.h"

namespace hivemind::hub::compose {
namespace {

void read_environment(const yaml::Node& node, Service& service, Reader& reader) {
  for (auto& [name, value] : reader.pairs(node)) {
    if (name.empty()) {
      reader.error(value.location, "compose.refused-by-engine", "a variable of 'environment' has no name");
    } else if (name.ends_with(' ')) {
      reader.error(value.location, "compose.invalid-value",
                   fmt::format("the name of variable '{}' of 'environment' ends in a space", name),
                   "write 'NAME=value' without spaces around the '='");
    }
    service.environment.values[name] = std::move(value.value);
  }
}

void read_path(const yaml::Node& node, EnvFile& file, Reader& reader) {
  file.path = {reader.text(node).value_or(""), node.location};
}
void read_required(const yaml::Node& node, EnvFile& file, Reader& reader) {
  file.required = reader.boolean(node).value_or(true);
}
void read_format(const yaml::Node& node, EnvFile& file, Reader& reader) {
  file.raw = reader.choice(node, {"raw"}).has_value();
}
constexpr Field<EnvFile> kFileFields[] = {
    {"path", read_path}, {"required", read_required}, {"format", read_format}};

void read_file(const yaml::Node& node, Service& service, Reader& reader) {
  EnvFile file;
  if (node.is_map()) {
    read_fields(node, kFileFields, file, reader);
    if (node.find("path") == nullptr) {
      return reader.error(node.location, "compose.missing-key", "an env file needs 'path'");
    }
  } else {
    read_path(node, file, reader);
  }
  service.environment.files.push_back(std::move(file));
}

void read_env_file(const yaml::Node& node, Service& service, Reader& reader) {
  if (node.is_map()) return reader.wrong_type(node, "a string or a list");
  if (!node.is_sequence()) return read_file(node, service, reader);
  for (const yaml::Node& item : node.items) read_file(item, service, reader);
}

constexpr Field<Service> kFields[] = {
    {"environment", read_environment},
    {"env_file", read_env_file, Null::kRefused, {}, members_of<kFileFields>},
};

// Sorted, so that the order in the file changes no container. A name without a value removes the image's.
void emit(const Service& service, const Project&, EngineBody& body) {
  Words all;
  for (const auto& [name, value] : service.environment.values)
    all.push_back(value ? name + "=" + *value : name);
  put(body.config, "Env", all);
}

// Env files are resolved by now.
void print(const Service& service, const Project&, nlohmann::json& into) {
  for (const auto& [name, value] : service.environment.values) {
    if (value) {
      into["environment"][name] = *value;
    } else {
      into["environment"][name] = nullptr;
    }
  }
}

}  // namespace

constinit const Family kEnvironment{kFields, emit, print};

}  // namespace hivemind::hub::compose
