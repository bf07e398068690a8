// The node's certificate and its clock: what the agent says of them. It never does anything to what runs
// because of either.
#include <utility>

#include "agent/agent.h"
#include "agent/identity/clock.h"
#include "common/log.h"

namespace hivemind::agent {
namespace {

BrokerCertificate certificate_in(mqtt::Trouble trouble) {
  switch (trouble) {
    case mqtt::Trouble::kBrokerExpired:
      return BrokerCertificate::kEnded;
    case mqtt::Trouble::kBrokerNotYet:
      return BrokerCertificate::kNotYet;
    default:
      return BrokerCertificate::kFine;
  }
}

}  // namespace

void Agent::stay_enrolled(const IdentityDirectory& directory) {
  renewer_ =
      std::make_shared<Renewer>(loop_, directory,
                                Renewer::Callbacks{[this](std::int64_t until_s) { on_renewed(until_s); },
                                                   [this](const std::string& why) { on_renewal_failed(why); },
                                                   [this] { return issued_at_ms_ / 1'000; }});
}

void Agent::on_down(const std::string& why) {
  const std::string refusal = refusal_text(hub_contact());
  log::warn("broker: {}{}{}", why, refusal.empty() ? "" : ": ", refusal);
  commands_.session.clear();
  if (renewer_ && link_->trouble() == mqtt::Trouble::kExpired) renewer_->expired();
  report_soon();  // for the store's copy, which 'status' reads
}

void Agent::on_renewed(std::int64_t until_s) {
  renewal_failure_.clear();
  tell({"certificate_renewed", "", "", v1::REASON_NONE, "lasts until " + utc_text(until_s)},
       current_revision());
  link_->reconnect();
  report_soon();
}

// As an event the first time only: it is tried again for ever.
void Agent::on_renewal_failed(const std::string& why) {
  const bool is_news = std::exchange(renewal_failure_, why).empty();
  if (is_news) {
    tell({"renewal_failed", "", "", v1::REASON_NONE, why}, current_revision());
  } else {
    log::warn("the certificate cannot be renewed: {}", why);
  }
  report_soon();
}

std::string Agent::clock_doubt_now() const {
  ClockEvidence evidence;
  evidence.now_s = wall_clock_s();
  evidence.is_set_by_somebody = synchronised_clock_ms().has_value();
  evidence.is_connected = link_->up();
  evidence.manifest_issued_s = issued_at_ms_ / 1'000;
  if (renewer_) {
    evidence.certificate_issued_s = renewer_->life().issued_at_s;
    evidence.certificate_until_s = renewer_->life().not_after_s;
    evidence.broker_certificate = certificate_in(link_->trouble());
  }
  return clock_doubt(evidence);
}

HubContact Agent::hub_contact() const {
  return {identity_.node, link_->up(), link_->trouble(), renewer_ ? renewer_->life().not_after_s : 0,
          renewal_failure_};
}

// Told when it begins, and when it ends in the log alone.
void Agent::mind_the_clock() {
  const std::string doubt = clock_doubt_now();
  if (std::exchange(clock_doubted_, !doubt.empty()) == !doubt.empty()) return;
  if (doubt.empty()) {
    log::info("nothing speaks against the clock any more");
  } else {
    tell({"clock_skew", "", "", v1::REASON_CLOCK_SKEW, doubt}, current_revision());
  }
}

}  // namespace hivemind::agent
