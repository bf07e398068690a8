#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/x509/x509.h"

// What a node and its hub's API say to each other about certificates, as JSON. Pure.
namespace hivemind::agent {

// What the node says of itself when it asks to be enrolled.
struct MachineFacts {
  std::string arch, os, kernel, hostname;
  std::string agent_version;
};

struct EnrolmentQuestion {
  std::string credential;  // of the token
  std::string csr;         // PEM
  std::string seal_key;
  std::string node;  // the id that is wished for; empty: the token's, or what the hub makes of the facts
  MachineFacts facts;
};
std::string to_json(const EnrolmentQuestion& question);

// The node is enrolled.
struct Grant {
  std::string node;
  std::string chain;   // PEM
  std::string ca;      // PEM
  std::string broker;  // mqtts://HOST:PORT; the host may be empty
  std::string hub_key;
};
// Somebody has to approve of it.
struct Waiting {
  std::int64_t retry_after_s = 0;
};
using EnrolmentAnswer = std::variant<Grant, Waiting>;

// status: 200 or 202. Throws kCorrupt for what a hub does not say.
EnrolmentAnswer enrolment_answer(unsigned status, std::string_view body);

// The old key vouches for the new one.
std::string renewal_question(const std::string& old_certificate, const x509::PrivateKey& old_key,
                             const x509::PrivateKey& new_key, const std::string& node);

struct RenewedCertificate {
  std::string chain;  // PEM
  std::string ca;     // PEM
};
RenewedCertificate renewal_answer(std::string_view body);  // throws kCorrupt

// The PEM in {"ca": PEM, …}. Throws kCorrupt.
std::string ca_answer(std::string_view body);

// What a hub says in a refusal's body, or its status.
std::string refusal_text(unsigned status, std::string_view body);

// "mqtts://:8883" means: at the host of the hub's URL.
std::string with_host(const std::string& broker, const std::string& hub_host);

// Unix seconds of an HTTP Date header (RFC 9110, 5.6.7, its first form); nothing for anything else.
std::optional<std::int64_t> parse_http_date(std::string_view text);

}  // namespace hivemind::agent
