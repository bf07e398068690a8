#include "hub/desired/compose/keys/device_requests.h"

namespace hivemind::hub::compose {
namespace {

void read_driver(const yaml::Node& node, DeviceRequest& request, Reader& reader) {
  request.driver = reader.text(node).value_or("");
}

bool is_all(const std::string& text) {
  return text.size() == 3 && std::ranges::equal(text, std::string_view("all"), [](char a, char b) {
           return a == b || a + ('a' - 'A') == b;
         });
}

void read_device_count(const yaml::Node& node, DeviceRequest& request, Reader& reader) {
  if (node.is_scalar() && is_all(node.scalar)) {
    request.count = -1;
  } else {
    request.count = reader.integer(node);
  }
}
void read_ids(const yaml::Node& node, DeviceRequest& request, Reader& reader) {
  request.ids = values(reader.texts(node));
}
void read_capabilities(const yaml::Node& node, DeviceRequest& request, Reader& reader) {
  request.capabilities = values(reader.texts(node));
}
void read_options(const yaml::Node& node, DeviceRequest& request, Reader& reader) {
  request.options = text_map(reader.pairs(node));
}
constexpr Field<DeviceRequest> kFields[] = {{"driver", read_driver},
                                            {"count", read_device_count},
                                            {"device_ids", read_ids},
                                            {"capabilities", read_capabilities},
                                            {"options", read_options}};

nlohmann::json emit_one(const DeviceRequest& request, Words capabilities) {
  nlohmann::json json = {{"Capabilities", nlohmann::json::array({std::move(capabilities)})}};
  put(json, "Driver", request.driver);
  put(json, "DeviceIDs", request.ids.value_or(Words{}));
  put(json, "Options", request.options);
  if (request.count) json["Count"] = *request.count;
  return json;
}

void read_gpus(const yaml::Node& node, Service& service, Reader& reader) {
  if (node.is_sequence()) {
    service.resources.gpus = read_device_requests(node, Capabilities::kOptional, reader);
  } else if (reader.choice(node, {"all"})) {
    service.resources.gpus.emplace_back().count = -1;
  }
}
constexpr Field<Service> kServiceFields[] = {
    {.key = "gpus", .read = read_gpus, .members = members_of<kFields>}};

// CDI names are in 'devices'; the engine takes all of them in one request.
void emit_cdi(const Security& security, EngineBody& body) {
  Words names;
  for (const Device& device : security.devices) {
    if (device.is_cdi()) names.push_back(device.host);
  }
  if (names.empty()) return;
  body.host["DeviceRequests"].push_back({{"Driver", "cdi"}, {"DeviceIDs", names}});
  body.needs_api(44);
}

void emit(const Service& service, const Project&, EngineBody& body) {
  for (const DeviceRequest& request : service.resources.device_requests) {
    body.host["DeviceRequests"].push_back(emit_one(request, request.capabilities.value_or(Words{})));
  }
  emit_cdi(service.security, body);
  for (const DeviceRequest& request : service.resources.gpus) {
    Words capabilities = request.capabilities.value_or(Words{});
    capabilities.emplace_back("gpu");
    body.host["DeviceRequests"].push_back(emit_one(request, std::move(capabilities)));
  }
}

void print(const Service& service, const Project&, nlohmann::json& into) {
  for (const DeviceRequest& request : service.resources.gpus) {
    into["gpus"].push_back(print_device_request(request));
  }
}

}  // namespace

std::vector<DeviceRequest> read_device_requests(const yaml::Node& node, Capabilities capabilities,
                                                Reader& reader) {
  std::vector<DeviceRequest> all;
  if (!reader.is_sequence(node)) return all;
  for (const yaml::Node& item : node.items) {
    DeviceRequest& request = all.emplace_back();
    read_fields(item, kFields, request, reader);
    if (capabilities == Capabilities::kRequired && !request.capabilities) {
      reader.error(item.location, "compose.missing-key", "'" + reader.path() + "' needs 'capabilities'");
    }
    if (request.count && request.ids) {
      reader.error(item.location, "compose.invalid-value", "'count' and 'device_ids' exclude each other",
                   "remove one of the two");
    }
    if (!request.count && !request.ids) request.count = -1;
  }
  return all;
}

std::vector<KnownKey> device_request_keys() {
  return members_of<kFields>();
}

nlohmann::json print_device_request(const DeviceRequest& request) {
  nlohmann::json json = nlohmann::json::object();
  put(json, "capabilities", request.capabilities.value_or(Words{}));
  put(json, "driver", request.driver);
  if (request.count.value_or(0) != 0) json["count"] = *request.count;
  put(json, "device_ids", request.ids.value_or(Words{}));
  put(json, "options", request.options);
  return json;
}

constinit const Family kDeviceRequests{kServiceFields, emit, print};

}  // namespace hivemind::hub::compose
