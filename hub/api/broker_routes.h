#pragma once

#include <functional>
#include <string>
#include <vector>

#include "hub/api/route.h"
#include "hub/trust/authority.h"

namespace hivemind::hub::api {

struct BrokerFacts {
  std::vector<std::string> advertise;            // what the fleet reaches its servers by
  std::function<std::string()> revocation_list;  // PEM, of now
};

// The files that make a Mosquitto of somebody's own this fleet's broker: its key, too, so for administrators
// alone. The authority must outlive the table.
Table broker_routes(const Authority& authority, BrokerFacts facts);

}  // namespace hivemind::hub::api
