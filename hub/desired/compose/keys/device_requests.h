#pragma once

#include "hub/desired/compose/keys/family.h"

// Requests for devices by what they can do: 'gpus' and 'deploy.resources.reservations.devices'.
namespace hivemind::hub::compose {

// A list of them; without count and ids, all devices are meant.
enum class Capabilities { kOptional, kRequired };
std::vector<DeviceRequest> read_device_requests(const yaml::Node& node, Capabilities capabilities,
                                                Reader& reader);
std::vector<KnownKey> device_request_keys();

nlohmann::json print_device_request(const DeviceRequest& request);

}  // namespace hivemind::hub::compose
