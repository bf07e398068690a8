#include "agent/identity/renewal.h"

#include "tests/support/catch.h"

namespace hivemind::agent {
namespace {

constexpr std::int64_t kDay = 86'400;
constexpr std::int64_t kIssued = 1'764'000'000;
constexpr CertificateLife kLife{kIssued, kIssued + 90 * kDay, kIssued};

std::int64_t days_until(const CertificateLife& life, const KnownTime& time, double share = 0) {
  return until_renewal(life, time, share).count() / kDay;
}

TEST_CASE("a certificate is renewed at two thirds of its life") {
  CHECK(days_until(kLife, {kIssued, 0}) == 60);
  CHECK(days_until(kLife, {kIssued + 59 * kDay, 0}) == 1);
  CHECK(until_renewal(kLife, {kIssued + 60 * kDay - 1, 0}, 0).count() == 1);
  CHECK(until_renewal(kLife, {kIssued + 60 * kDay, 0}, 0).count() == 0);
  CHECK(until_renewal(kLife, {kIssued + 400 * kDay, 0}, 0).count() == 0);
}

TEST_CASE("the renewals of a fleet that was enrolled together are spread over a thirtieth of the life") {
  CHECK(days_until(kLife, {kIssued, 0}, 0.5) == 61);
  CHECK(days_until(kLife, {kIssued, 0}, 1) == 63);
}

TEST_CASE("a clock that is wrong by a constant changes nothing") {
  for (const std::int64_t offset : {-kIssued, -365 * kDay, 80 * kDay, 30 * 365 * kDay}) {
    CertificateLife life = kLife;
    life.received_at_s = kIssued + offset;
    CHECK(days_until(life, {kIssued + offset, 0}) == 60);
    CHECK(days_until(life, {kIssued + offset + 59 * kDay, 0}) == 1);
    CHECK(days_until(life, {kIssued + offset + 60 * kDay, 0}) == 0);
  }
}

TEST_CASE("a clock that was wrong and is set renews once, and then counts from there") {
  CertificateLife life = kLife;
  life.received_at_s = 5;  // in 1970
  CHECK(days_until(life, {kIssued + kDay, 0}) == 0);
  const CertificateLife next{kIssued + kDay, kIssued + 91 * kDay, kIssued + kDay};
  CHECK(days_until(next, {kIssued + kDay, 0}) == 60);
}

TEST_CASE("a clock that falls back to 1970 at each boot is told the time by what the hub has signed") {
  CHECK(days_until(kLife, {5, 0}) == 60);
  CHECK(days_until(kLife, {5, kIssued + 30 * kDay}) == 30);
  CHECK(days_until(kLife, {5, kIssued + 61 * kDay}) == 0);
  // An older manifest says nothing.
  CHECK(days_until(kLife, {kIssued + 10 * kDay, kIssued - 5 * kDay}) == 50);
}

TEST_CASE("the pauses between tries follow the length of a life") {
  using namespace std::chrono_literals;
  const RenewalPauses months = renewal_pauses(90 * 24h);
  CHECK(months.first == 60s);
  CHECK(months.longest == 6h);
  const RenewalPauses seconds = renewal_pauses(30s);
  CHECK(seconds.first == 500ms);
  CHECK(seconds.longest == 1s);
}

TEST_CASE("a life that makes no sense is a short one") {
  CHECK(length_of({kIssued, kIssued - 5, 0}).count() == 1);
  CHECK(until_renewal({kIssued, kIssued - 5, kIssued}, {kIssued + 1, 0}, 0).count() == 0);
}

TEST_CASE("a certificate that comes without a date is not taken for one of a second, or of decades") {
  constexpr std::int64_t kEnd = kIssued + 90 * kDay;
  CHECK(issue_time(kIssued, 0, kEnd) == kIssued);
  CHECK(issue_time(std::nullopt, kIssued + 5, kEnd) == kIssued + 5);
  for (const std::int64_t now : {std::int64_t{0}, std::int64_t{345'600}, kEnd, kEnd + 100 * kDay})
    CHECK(issue_time(std::nullopt, now, kEnd) == kIssued);
  CHECK(issue_time(kEnd + kDay, 0, kEnd) == kIssued);  // nor is a date believed that cannot be
}

}  // namespace
}  // namespace hivemind::agent
