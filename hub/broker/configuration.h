#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "hub/broker/broker.h"

namespace hivemind::hub {

// Where the broker listens.
struct ListenAddress {
  std::string host;  // without brackets
  std::uint16_t port = 0;

  // "HOST:PORT" or "[IPV6]:PORT". Throws kInvalid; port 0 is refused, as agents could not be told the real
  // one.
  static ListenAddress parse(std::string_view text);

  bool loopback() const;
  // Where a client on this machine reaches it: for a wildcard address, the loopback one. IPv6 in brackets.
  std::string client_host() const;
};

// The text of mosquitto.conf(5). Pure. The user is the one to run as, empty when that is not root: Mosquitto
// would drop root's rights by itself, which clears the kernel's promise to end it with the hub (prctl(2),
// PR_SET_PDEATHSIG).
std::string broker_configuration(const ListenAddress& listen, const BrokerOptions& options,
                                 std::string_view user);

}  // namespace hivemind::hub
