#include "agent/trouble.h"

#include <fmt/format.h>

#include "agent/identity/clock.h"

namespace hivemind::agent {

std::string refusal_text(const HubContact& contact) {
  switch (contact.trouble) {
    case mqtt::Trouble::kRevoked:
      return fmt::format(
          "the hub has revoked this node's certificate, or other hardware has taken its place (if this "
          "machine is to be node '{0}' again: 'hivemind node replace {0}' on the hub, then here the line "
          "that it prints, with --force)",
          contact.node);
    case mqtt::Trouble::kExpired:
      if (contact.renewal_failure.empty())
        return "the broker says that this node's certificate has expired; it is being renewed";
      return fmt::format("this node's certificate ended on {} and cannot be renewed: {}",
                         utc_text(contact.certificate_until_s), contact.renewal_failure);
    case mqtt::Trouble::kRefused:
      return "the broker does not accept this node's certificate (is it still the hub that enrolled it?)";
    case mqtt::Trouble::kBrokerUntrusted:
      return "the broker's certificate is not from this node's hub: somebody stands in between, or the hub "
             "has another CA now (enrol this node anew)";
    default:
      return {};
  }
}

std::string trouble_text(const HubContact& contact) {
  if (!contact.is_up) {
    if (std::string refusal = refusal_text(contact); !refusal.empty()) return refusal;
  }
  if (contact.renewal_failure.empty()) return {};
  return fmt::format("the certificate, which lasts until {}, cannot be renewed: {}",
                     utc_text(contact.certificate_until_s), contact.renewal_failure);
}

}  // namespace hivemind::agent
