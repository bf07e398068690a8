#include "agent/identity/clock.h"

#include "tests/support/catch.h"

namespace hivemind::agent {
namespace {

using tests::ContainsSubstring;

constexpr std::int64_t kDay = 86'400;
constexpr std::int64_t kNow = 1'796'000'000;  // 2026-11-30

ClockEvidence evidence() {
  return {kNow, false, true, kNow - kDay, kNow - 10 * kDay, kNow + 80 * kDay, BrokerCertificate::kFine};
}

TEST_CASE("nothing speaks against a clock that agrees with all that is known") {
  CHECK(clock_doubt(evidence()).empty());
  CHECK(clock_doubt({kNow}).empty());
}

TEST_CASE("a clock before what the hub has signed is wrong") {
  ClockEvidence wrong = evidence();
  wrong.now_s = 5;
  CHECK_THAT(clock_doubt(wrong), ContainsSubstring("says 1970-01-01") &&
                                     ContainsSubstring("made the newest manifest on 2026-11-29") &&
                                     ContainsSubstring("NTP"));
  wrong.manifest_issued_s = 0;
  CHECK_THAT(clock_doubt(wrong), ContainsSubstring("this node's certificate"));
}

TEST_CASE("a few minutes are no doubt") {
  ClockEvidence close = evidence();
  close.now_s = close.manifest_issued_s - 290;
  CHECK(clock_doubt(close).empty());
  close.now_s = close.manifest_issued_s - 310;
  CHECK_FALSE(clock_doubt(close).empty());
}

TEST_CASE("a clock behind the end of a certificate that the broker takes is wrong") {
  ClockEvidence wrong = evidence();
  wrong.now_s = 2'150'000'000;  // 2038
  CHECK_THAT(clock_doubt(wrong), ContainsSubstring("says 2038-02-17") && ContainsSubstring("still taken"));
}

TEST_CASE("without a connection it may be the clock or the certificate, and both are said") {
  ClockEvidence away = evidence();
  away.is_connected = false;
  CHECK(clock_doubt(away).empty());
  away.now_s = 2'150'000'000;
  CHECK_THAT(clock_doubt(away),
             ContainsSubstring("the clock is wrong") && ContainsSubstring("away too long"));
}

TEST_CASE("a broker's certificate that is out of its time speaks against the clock") {
  ClockEvidence away = evidence();
  away.is_connected = false;
  away.broker_certificate = BrokerCertificate::kEnded;
  CHECK_THAT(clock_doubt(away), ContainsSubstring("the broker's certificate has ended"));
  away.broker_certificate = BrokerCertificate::kNotYet;
  CHECK_THAT(clock_doubt(away), ContainsSubstring("is not valid yet"));
}

TEST_CASE("a clock that somebody sets is not doubted") {
  ClockEvidence set = evidence();
  set.now_s = 5;
  set.is_set_by_somebody = true;
  CHECK(clock_doubt(set).empty());
}

TEST_CASE("what is said does not change with each second") {
  ClockEvidence wrong = evidence();
  wrong.now_s = 5;
  const std::string first = clock_doubt(wrong);
  wrong.now_s = 3'600;
  CHECK(clock_doubt(wrong) == first);
}

TEST_CASE("times are written in UTC") {
  CHECK(utc_text(0) == "1970-01-01 00:00:00 UTC");
  CHECK(utc_text(1'764'428'645) == "2025-11-29 15:04:05 UTC");
  CHECK(utc_text(2'147'483'648) == "2038-01-19 03:14:08 UTC");
}

}  // namespace
}  // namespace hivemind::agent
