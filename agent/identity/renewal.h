#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace hivemind::agent {

// When a certificate was given, and how long it lasts. Unix seconds.
struct CertificateLife {
  std::int64_t issued_at_s = 0;    // by the hub's clock
  std::int64_t not_after_s = 0;    // likewise
  std::int64_t received_at_s = 0;  // by the node's clock, which may have been wrong
};

// When a certificate that has just come was made. date_s: what the hub's answer says; nothing: there was no
// date in it, and the node's clock stands in where it can be right. Otherwise the certificate is taken for
// one of the usual length: a life of a second, or of decades, would have it renewed all the time, or never.
// Pure.
std::int64_t issue_time(std::optional<std::int64_t> date_s, std::int64_t now_s, std::int64_t not_after_s);

// What is known of the time. A node's clock may stand in 1970, or run ahead by years.
struct KnownTime {
  std::int64_t now_s = 0;       // by the node's clock
  std::int64_t at_least_s = 0;  // what the hub has signed last was made then: it cannot be earlier
};

// How long until the certificate should be renewed; zero: now. Pure.
//
// At two thirds of its life, and a little later by `share` (0 to 1, a node's own), so that nodes that were
// enrolled together do not all come together. Its age is what the node's clock has counted since it received
// the certificate, so that a clock that is wrong by a constant, however far, changes nothing. One that has
// leapt ahead costs one early renewal, which counts from there. One that has gone back counts nothing, and is
// told from what the hub has signed since; where there is nothing of that kind, the broker refuses the
// certificate in the end, and that is what it is renewed for then.
std::chrono::seconds until_renewal(const CertificateLife& life, const KnownTime& time, double share);

// How long a certificate lasts as a whole; never below a second.
std::chrono::seconds length_of(const CertificateLife& life);

// Pauses between tries, by the length of a life: seconds for a certificate that lasts minutes (as tests make
// them), up to six hours for one that lasts months.
struct RenewalPauses {
  std::chrono::milliseconds first, longest;
};
RenewalPauses renewal_pauses(std::chrono::seconds length);

}  // namespace hivemind::agent
