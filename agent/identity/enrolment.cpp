#include "agent/identity/enrolment.h"

#include <chrono>
#include <optional>
#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "agent/identity/clock.h"
#include "agent/identity/hub_api.h"
#include "common/envelope.h"
#include "common/error.h"

namespace hivemind::agent {
namespace {

namespace asio = boost::asio;
using Steady = std::chrono::steady_clock;

constexpr unsigned kOk = 200;
constexpr unsigned kAccepted = 202;

Error refusal(unsigned status, std::string_view body) {
  const std::string said = refusal_text(status, body);
  switch (status) {
    case 403:  // an operator's word, not the token's fault
      return {ErrorCode::kDenied, fmt::format("the hub refuses: {}", said)};
    case 401:
      return {ErrorCode::kDenied,
              fmt::format("the hub refuses the token: {} (make another one: 'hivemind node token create')",
                          said)};
    case 409:
      return {
          ErrorCode::kConflict,
          fmt::format("the hub refuses: {} (choose another id with --node; for new hardware in the place of "
                      "a node: 'hivemind node replace ID')",
                      said)};
    default:
      return {http::code_of_status(status), fmt::format("the hub answers: {}", said)};
  }
}

// Whether the CA that somebody has sent is the one that the token names.
x509::Certificate checked_ca(const std::string& body, const EnrolmentWish& wish) {
  const x509::Certificate ca = x509::Certificate::parse(ca_answer(body));
  if (ca.fingerprint() == wish.token.ca_fingerprint) return ca;
  throw Error(
      ErrorCode::kDenied,
      "'{}' shows a CA with the fingerprint {}, but the token is for {}: somebody stands in between, or "
      "the token is another hub's",
      wish.hub, ca.fingerprint(), wish.token.ca_fingerprint);
}

// A clock that is far off makes a right certificate look wrong.
std::string hint_on_clock(const x509::Certificate& ca) {
  const std::int64_t now = wall_clock_s();
  const bool is_outside =
      now < ca.not_before().time_since_epoch().count() || now > ca.not_after().time_since_epoch().count();
  constexpr std::int64_t kFirstRelease = 1'764'000'000;  // no hub is older
  if (!is_outside && now > kFirstRelease) return {};
  return fmt::format("; this node's clock says {}, set it if that is wrong", utc_text(now));
}

class Asking {
 public:
  Asking(asio::any_io_executor loop, IdentityDirectory directory, EnrolmentWish wish,
         std::function<void(const std::string&)> tell)
      : loop_(std::move(loop)),
        directory_(std::move(directory)),
        wish_(std::move(wish)),
        tell_(std::move(tell)),
        deadline_(Steady::now() + wish_.patience) {}

  asio::awaitable<std::optional<NewIdentity>> run() {
    const x509::Certificate ca = co_await fetch_ca();
    const PendingKeys keys = directory_.pending_keys(wish_.token);
    EnrolmentQuestion question{wish_.token.credential(), x509::Request::make(keys.key, wish_.node).pem(),
                               keys.seal_key, wish_.node, wish_.facts};
    HubApi hub(loop_, wish_.hub, ca.anchor_pem());
    for (;;) {
      std::optional<HubApi::Answer> answer = co_await ask(hub, to_json(question), ca);
      if (answer) {
        const EnrolmentAnswer said = enrolment_answer(answer->status, answer->body);
        if (const auto* grant = std::get_if<Grant>(&said)) co_return accept(*grant, keys, ca, answer->date_s);
        pause_ = std::chrono::seconds(std::get<Waiting>(said).retry_after_s);
        tell_waiting();
      }
      if (Steady::now() + pause_ > deadline_) co_return std::nullopt;
      co_await wait();
    }
  }

 private:
  asio::awaitable<x509::Certificate> fetch_ca() {
    HubApi stranger = HubApi::unverified(loop_, wish_.hub);
    const HubApi::Answer answer = co_await stranger.get("/api/v1/ca");
    if (answer.status != kOk) throw refusal(answer.status, answer.body);
    co_return checked_ca(answer.body, wish_);
  }

  // Nothing: the hub is away for a moment, while somebody is waited for.
  asio::awaitable<std::optional<HubApi::Answer>> ask(HubApi& hub, std::string body,
                                                     const x509::Certificate& ca) {
    std::optional<HubApi::Answer> answer;
    try {
      answer = co_await hub.post("/api/v1/enroll", std::move(body));
    } catch (const Error& error) {
      if (!is_waiting_ || error.code() != ErrorCode::kUnavailable)
        throw Error(error.code(), error.what() + hint_on_clock(ca));
    }
    if (answer && answer->status != kOk && answer->status != kAccepted)
      throw refusal(answer->status, answer->body);
    co_return answer;
  }

  void tell_waiting() {
    if (std::exchange(is_waiting_, true)) return;
    tell_(fmt::format("waits until an operator approves of this node ('hivemind node approve'), at most {} s",
                      std::chrono::duration_cast<std::chrono::seconds>(wish_.patience).count()));
  }

  asio::awaitable<void> wait() {
    asio::steady_timer timer(loop_, pause_);
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }

  NewIdentity accept(const Grant& grant, const PendingKeys& keys, const x509::Certificate& ca,
                     std::optional<std::int64_t> date_s) const {
    if (x509::Certificate::parse(grant.ca) != ca)
      throw Error(ErrorCode::kCorrupt, "the hub's answer names another CA than the token");
    const std::string unfit = why_unfit(grant.chain, keys.key.public_key(), grant.node, ca);
    if (!unfit.empty()) throw Error(ErrorCode::kCorrupt, "the hub's answer is of no use: {}", unfit);
    const std::int64_t now = wall_clock_s();
    const std::int64_t not_after =
        x509::Certificate::parse(grant.chain).not_after().time_since_epoch().count();
    return {{grant.node, wish_.hub, with_host(grant.broker, HubApi::host_of(wish_.hub))},
            {keys.key, grant.chain, issue_time(date_s, now, not_after), now},
            ca.anchor_pem(),
            VerifyKey::parse(grant.hub_key).text()};
  }

  asio::any_io_executor loop_;
  IdentityDirectory directory_;
  EnrolmentWish wish_;
  std::function<void(const std::string&)> tell_;
  Steady::time_point deadline_;
  std::chrono::milliseconds pause_{};
  bool is_waiting_ = false;
};

}  // namespace

asio::awaitable<std::optional<NewIdentity>> enrol(asio::any_io_executor loop, IdentityDirectory directory,
                                                  EnrolmentWish wish,
                                                  std::function<void(const std::string&)> tell) {
  Asking asking(std::move(loop), std::move(directory), std::move(wish), std::move(tell));
  co_return co_await asking.run();
}

}  // namespace hivemind::agent
