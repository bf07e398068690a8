#pragma once

#include <cstdint>
#include <string>

namespace hivemind::agent {

enum class BrokerCertificate { kFine, kEnded, kNotYet };  // by our own clock

// What the node's clock is judged by. Unix seconds; zero: not known.
struct ClockEvidence {
  std::int64_t now_s = 0;
  bool is_set_by_somebody = false;  // the kernel knows that it is synchronised
  bool is_connected = false;        // the broker takes our certificate
  std::int64_t manifest_issued_s = 0;
  std::int64_t certificate_issued_s = 0;
  std::int64_t certificate_until_s = 0;
  BrokerCertificate broker_certificate = BrokerCertificate::kFine;
};

// Why the clock cannot be right, or may not be when that is why there is no connection; empty: nothing speaks
// against it. Pure. It is said, and nothing is ever done for it: a clock is no reason to stop, remove or
// forget anything.
std::string clock_doubt(const ClockEvidence& evidence);

// What the node's clock says.
std::int64_t wall_clock_s();

// "2026-11-29 15:04:05 UTC"
std::string utc_text(std::int64_t unix_s);

}  // namespace hivemind::agent
