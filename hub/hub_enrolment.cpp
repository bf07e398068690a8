#include "hub/hub.h"

namespace hivemind::hub {
namespace {

constexpr const char* kInstallRevocations =
    "the broker is not the hub's own: install its new list of revoked certificates ('hivemind broker "
    "config' has it as revoked.pem), have the broker read it (SIGHUP), and then revoke the node once more, "
    "for the broker asks nobody again who is connected already; until then it lets the node in, which gets "
    "no manifest and no command from here";

constexpr const char* kPlainBroker =
    "nodes that are enrolled speak nothing but TLS to the broker, and this one is plain: start the hub with "
    "--broker-tls on, or with a --broker-url of mqtts://";
constexpr const char* kPlainApi =
    "machines enrol over TLS alone, and this API is plain HTTP: start the hub with --tls on";

std::string host_of(const std::string& listen) {
  return listen.substr(0, listen.rfind(':'));  // as it stands there, an IPv6 address in brackets
}

bool is_any(const std::string& host) {
  return host.empty() || host == "0.0.0.0" || host == "[::]" || host == "*";
}

std::string in_url(const std::string& host) {
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

}  // namespace

Enrolment::Callbacks Hub::enrolment_callbacks() {
  const auto recompile = [this](const std::string&) {
    tracker_.recompile_soon();
    changed_now();
  };
  return {recompile, recompile, [this](const std::string& node, Enrolment::Revocation what) {
            if (what == Enrolment::Revocation::kNode) {
              publisher_.withdraw(node);
              inventory_.node(node).presence =
                  Presence::kOffline;  // its last word is not listened to any more
            }
            shut_out(node);
            changed_now();
          }};
}

// A node reaches the broker where it has reached the hub, unless it is told otherwise.
api::EnrolmentFacts Hub::enrolment_facts(const Config& config) {
  const std::string advertised = config.advertise.empty() ? "" : in_url(config.advertise.front());
  const std::string broker = config.broker_url.empty()
                                 ? (access_ ? "mqtts://" : "mqtt://") + advertised +
                                       config.broker_listen.substr(config.broker_listen.rfind(':'))
                                 : config.broker_url;
  const std::string host = host_of(config.listen);
  const std::string machine = machine_name();
  const std::string reached = !advertised.empty() ? advertised
                              : !is_any(host)     ? host
                              : machine.empty()   ? "localhost"
                                                  : machine;
  return {[this] { return identity_.key().verify_key().text(); },
          config.broker_url.empty() ? "" : kInstallRevocations, [broker] { return broker; },
          [this, reached] { return "https://" + reached + ":" + std::to_string(server_.port()); },
          !access_         ? kPlainBroker
          : !certificates_ ? kPlainApi
                           : ""};
}

}  // namespace hivemind::hub
