#include "agent/identity/renewer.h"

#include <algorithm>
#include <random>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "agent/identity/clock.h"
#include "agent/identity/hub_api.h"
#include "agent/identity/messages.h"
#include "common/error.h"

namespace hivemind::agent {
namespace {

namespace asio = boost::asio;
using Steady = std::chrono::steady_clock;

// The clock may be set at any time, which no timer tells.
constexpr std::chrono::milliseconds kLongestLook{3'600'000};
constexpr std::chrono::milliseconds kShortestLook{200};

std::int64_t not_after_of(const std::string& chain) {
  return x509::Certificate::parse(chain).not_after().time_since_epoch().count();
}

double random_share() {
  std::random_device random;
  return std::uniform_real_distribution<double>(0, 1)(random);
}

// Never so long that a broker which refuses the new one, too, is left waiting for it.
std::chrono::milliseconds pause_after_success(const CertificateLife& life) {
  constexpr std::chrono::milliseconds kLongest{3'600'000};
  return std::min(std::chrono::milliseconds(length_of(life)) / 10, kLongest);
}

Backoff backoff_for(const CertificateLife& life) {
  const RenewalPauses pauses = renewal_pauses(length_of(life));
  return {pauses.first, pauses.longest};
}

}  // namespace

Renewer::Renewer(asio::any_io_executor loop, IdentityDirectory directory, Callbacks callbacks)
    : loop_(std::move(loop)),
      directory_(std::move(directory)),
      callbacks_(std::move(callbacks)),
      enrolment_(directory_.enrolment()),
      life_(directory_.credential().life()),
      share_(random_share()),
      backoff_(backoff_for(life_)),
      timer_(loop_) {}

void Renewer::start() {
  look();
}

void Renewer::stop() {
  is_stopped_ = true;
  timer_.cancel();
}

void Renewer::expired() {
  if (std::exchange(is_expired_, true) || is_asking_ || is_stopped_) return;
  look();
}

bool Renewer::is_due() const {
  if (is_expired_) return true;
  return until_renewal(life_, {wall_clock_s(), callbacks_.at_least_s()}, share_).count() == 0;
}

void Renewer::look_later(std::chrono::milliseconds pause) {
  timer_.expires_after(std::clamp(pause, kShortestLook, kLongestLook));
  timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& cancelled) {
    const auto self = weak.lock();
    if (!cancelled && self) self->look();
  });
}

// Not again soon after a success, whatever the clocks say: one that leaps about would have it renewed without
// end.
void Renewer::look() {
  if (is_asking_ || is_stopped_) return;
  const auto now = Steady::now();
  if (not_before_ && now < *not_before_) {
    return look_later(std::chrono::ceil<std::chrono::milliseconds>(*not_before_ - now));
  }
  if (!is_due()) return look_later(until_renewal(life_, {wall_clock_s(), callbacks_.at_least_s()}, share_));
  is_asking_ = true;
  asio::co_spawn(
      loop_, [self = shared_from_this()]() -> asio::awaitable<void> { co_await self->renew(); },
      asio::detached);
}

asio::awaitable<void> Renewer::renew() {
  std::string failure;
  try {
    co_await ask(directory_.credential(), directory_.renewal_key());
  } catch (const std::exception& error) {
    failure = error.what();
  }
  is_asking_ = false;
  if (is_stopped_) co_return;
  const auto pause = failure.empty() ? pause_after_success(life_) : backoff_.next();
  not_before_ = Steady::now() + pause;
  look_later(pause);
  if (failure.empty()) {
    callbacks_.on_renewed(life_.not_after_s);
  } else {
    callbacks_.on_failed(failure);
  }
}

asio::awaitable<void> Renewer::ask(const Credential& old, const x509::PrivateKey& key) {
  const x509::Certificate ca = directory_.ca();
  HubApi hub(loop_, enrolment_.hub, ca.anchor_pem());
  const HubApi::Answer answer = co_await hub.post(
      "/api/v1/renew", renewal_question(old.certificate().pem(), old.key, key, enrolment_.node));
  if (answer.status != 200)
    throw Error(http::code_of_status(answer.status), "the hub refuses: {}",
                refusal_text(answer.status, answer.body));
  const RenewedCertificate renewed = renewal_answer(answer.body);
  const x509::Certificate next_ca = x509::Certificate::parse(renewed.ca);
  const std::string unfit = why_unfit(renewed.chain, key.public_key(), enrolment_.node, next_ca);
  if (!unfit.empty()) throw Error(ErrorCode::kCorrupt, "the hub's answer is of no use: {}", unfit);
  const std::int64_t now = wall_clock_s();
  const Credential next{key, renewed.chain, issue_time(answer.date_s, now, not_after_of(renewed.chain)), now};
  directory_.renew(next, next_ca == ca ? "" : next_ca.anchor_pem());
  life_ = next.life();
  backoff_ = backoff_for(life_);
  is_expired_ = false;
}

}  // namespace hivemind::agent
