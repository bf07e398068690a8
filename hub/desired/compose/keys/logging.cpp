#include "hub/desired/compose/keys/family.h"

namespace hivemind::hub::compose {
namespace {

void read_driver(const yaml::Node& node, Logging& logging, Reader& reader) {
  logging.driver = reader.text(node).value_or("");
}
void read_options(const yaml::Node& node, Logging& logging, Reader& reader) {
  if (reader.is_map(node)) logging.options = text_map(reader.pairs(node, Allowed::kNumbers));
}
constexpr Field<Logging> kLoggingFields[] = {{"driver", read_driver}, {"options", read_options}};

void read_logging(const yaml::Node& node, Service& service, Reader& reader) {
  service.logging.emplace();
  read_fields(node, kLoggingFields, *service.logging, reader);
}

constexpr Field<Service> kFields[] = {
    {.key = "logging", .read = read_logging, .members = members_of<kLoggingFields>}};

void emit(const Service& service, const Project&, EngineBody& body) {
  if (!service.logging) return;
  nlohmann::json& json = body.host["LogConfig"] = nlohmann::json::object();
  put(json, "Type", service.logging->driver);
  put(json, "Config", service.logging->options);
}

void print(const Service& service, const Project&, nlohmann::json& into) {
  if (!service.logging) return;
  nlohmann::json& json = into["logging"] = nlohmann::json::object();
  put(json, "driver", service.logging->driver);
  put(json, "options", service.logging->options);
}

}  // namespace

constinit const Family kLogging{kFields, emit, print};

}  // namespace hivemind::hub::compose
