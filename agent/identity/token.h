#pragma once

#include <string>
#include <string_view>

namespace hivemind::agent {

// The right to become a node, as 'hivemind node token create' prints it:
// "hm1.<SHA-256 of the hub's CA certificate, base64url>.<id>.<secret>". A value.
struct EnrolmentToken {
  std::string ca_fingerprint;  // hex, lower case
  std::string id;
  std::string secret;

  // Throws kInvalid; the message holds nothing of the secret.
  static EnrolmentToken parse(std::string_view text);
  // What the hub is shown.
  std::string credential() const { return id + "." + secret; }

  bool operator==(const EnrolmentToken&) const = default;
};

}  // namespace hivemind::agent
