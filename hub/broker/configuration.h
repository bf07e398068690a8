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

  // Whether it can be reached from this machine only.
  bool loopback() const;
  // Where a client on this machine reaches it: for a wildcard address, the loopback one. IPv6 in brackets.
  std::string client_host() const;
};

// Sessions and retained messages are kept apart: mosquitto.db, mosquitto-tls.db.
enum class WithTls { kNo, kYes };
const char* database_name(WithTls tls);
// "mqtt://HOST:PORT", or mqtts://, fit for a client on this machine.
std::string broker_url(const ListenAddress& listen, WithTls tls);

// The lines of mosquitto.conf(5) that let in who has a certificate of the CA, and make its name its user and
// its session: nobody can take another's. Pure.
std::string tls_configuration(const BrokerTlsFiles& files);
// The queue limits and sizes that HiveMind needs. Pure.
std::string limits_configuration();
// For a Mosquitto of somebody's own, to be included: listener, TLS, limits. Pure.
std::string external_configuration(const ListenAddress& listen, const BrokerTlsFiles& files);
// The ACL: nodes read what is theirs and write what they have to say; the hub does all. Pure.
std::string access_control();

// The text of mosquitto.conf(5). Pure. The user is the one to run as, empty when that is not root: Mosquitto
// would drop root's rights by itself, which clears the kernel's promise to end it with the hub (prctl(2),
// PR_SET_PDEATHSIG).
std::string broker_configuration(const ListenAddress& listen, const BrokerOptions& options,
                                 std::string_view user);

}  // namespace hivemind::hub
