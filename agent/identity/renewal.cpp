#include "agent/identity/renewal.h"

#include <algorithm>

namespace hivemind::agent {
namespace {

// Of the life, over which the renewals of a fleet are spread.
constexpr double kSpread = 1.0 / 30;

constexpr std::int64_t kDay = 86'400;
constexpr std::int64_t kUsualLife = 90 * kDay;
constexpr std::int64_t kLongestLife = 3'660 * kDay;

}  // namespace

std::int64_t issue_time(std::optional<std::int64_t> date_s, std::int64_t now_s, std::int64_t not_after_s) {
  const std::int64_t said = date_s.value_or(now_s);
  const bool is_possible = said < not_after_s && not_after_s - said <= kLongestLife;
  return is_possible ? said : not_after_s - kUsualLife;
}

std::chrono::seconds length_of(const CertificateLife& life) {
  return std::chrono::seconds(std::max<std::int64_t>(1, life.not_after_s - life.issued_at_s));
}

std::chrono::seconds until_renewal(const CertificateLife& life, const KnownTime& time, double share) {
  const std::int64_t length = length_of(life).count();
  const std::int64_t counted = time.now_s - life.received_at_s;
  const std::int64_t signed_since = time.at_least_s - life.issued_at_s;
  const std::int64_t age = std::max({counted, signed_since, std::int64_t{0}});
  const auto spread = static_cast<std::int64_t>(static_cast<double>(length) * kSpread * share);
  return std::chrono::seconds(std::max<std::int64_t>(0, length / 3 * 2 + length % 3 * 2 / 3 + spread - age));
}

RenewalPauses renewal_pauses(std::chrono::seconds length) {
  using std::chrono::milliseconds;
  constexpr milliseconds kLeast{500};
  constexpr milliseconds kFirst{60'000};
  constexpr milliseconds kLongest{6 * 3'600'000};
  const milliseconds whole = length;
  return {std::clamp(whole / 1'000, kLeast, kFirst), std::clamp(whole / 50, 2 * kLeast, kLongest)};
}

}  // namespace hivemind::agent
