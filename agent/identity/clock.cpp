#include "agent/identity/clock.h"

#include <chrono>
#include <string_view>

#include <fmt/format.h>

namespace hivemind::agent {
namespace {

// The hub's clock and a node's may be apart by so much, in seconds, without either being wrong.
constexpr std::int64_t kApart = 5 * 60;

// What a report says must not change with each second.
std::string day_text(std::int64_t unix_s) {
  return utc_text(unix_s).substr(0, std::string_view("2026-11-29").size());
}

std::string late(std::int64_t now, const char* what, std::int64_t then) {
  return fmt::format("this node's clock says {}, but the hub made {} on {} (run an NTP client)",
                     day_text(now), what, day_text(then));
}

}  // namespace

std::string clock_doubt(const ClockEvidence& evidence) {
  if (evidence.is_set_by_somebody) return {};
  const std::int64_t now = evidence.now_s;
  if (now < evidence.manifest_issued_s - kApart)
    return late(now, "the newest manifest", evidence.manifest_issued_s);
  if (now < evidence.certificate_issued_s - kApart)
    return late(now, "this node's certificate", evidence.certificate_issued_s);
  if (evidence.broker_certificate != BrokerCertificate::kFine) {
    return fmt::format(
        "there is no connection: by this node's clock, which says {}, the broker's certificate {} "
        "(run an NTP client)",
        day_text(now),
        evidence.broker_certificate == BrokerCertificate::kEnded ? "has ended" : "is not valid yet");
  }
  const std::int64_t until = evidence.certificate_until_s;
  if (until == 0 || now < until) return {};
  if (evidence.is_connected) {
    return fmt::format(
        "this node's clock says {}, but its certificate, which lasts until {}, is still taken "
        "(run an NTP client)",
        day_text(now), day_text(until));
  }
  return fmt::format(
      "by this node's clock, which says {}, its certificate has ended on {}: the "
      "clock is wrong (run an NTP client), or the node was away too long (it is renewed within the hub's "
      "grace period, and after that with 'hivemind node replace' on the hub)",
      day_text(now), day_text(until));
}

std::int64_t wall_clock_s() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

std::string utc_text(std::int64_t unix_s) {
  using namespace std::chrono;
  const sys_seconds time{seconds(unix_s)};
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

}  // namespace hivemind::agent
