#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/identity/renewal.h"
#include "common/x509/x509.h"

namespace hivemind::agent {

// Who a node is since it was enrolled, and with whom it talks (node.json).
struct Enrolment {
  std::string node;
  std::string hub;     // https://HOST[:PORT], as it was dialled
  std::string broker;  // mqtts://HOST:PORT

  static Enrolment parse(std::string_view json);  // throws kCorrupt
  std::string text() const;

  bool operator==(const Enrolment&) const = default;
};

// The node's key with the certificate that the hub gave for it (client.pem): one file, so that a renewal
// replaces both at once. OpenSSL passes over the first line, which says when.
struct Credential {
  x509::PrivateKey key;
  std::string chain;  // PEM, the node's own certificate first
  std::int64_t issued_at_s = 0;
  std::int64_t received_at_s = 0;

  static Credential parse(std::string_view pem);  // throws kCorrupt, also when key and certificate differ
  std::string text() const;

  x509::Certificate certificate() const { return x509::Certificate::parse(chain); }
  CertificateLife life() const;
};

// Whether this chain is what a node of that name should have got for its key from this CA; empty: it is. The
// node's clock plays no part.
std::string why_unfit(const std::string& chain, const x509::PublicKey& key, const std::string& node,
                      const x509::Certificate& ca);

}  // namespace hivemind::agent
