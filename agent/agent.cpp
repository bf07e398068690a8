#include "agent/agent.h"

#include <chrono>
#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "agent/plan/window.h"
#include "common/digest.h"
#include "common/error.h"
#include "common/log.h"
#include "common/rethrow.h"

namespace hivemind::agent {
namespace {

namespace asio = boost::asio;

// An enrolment that replaces the identity begins with a key of its own.
std::filesystem::path keys_file(const Identity& identity, const std::filesystem::path& data_directory) {
  const bool is_enrolled = !identity.hub_key_file.empty();
  return (is_enrolled ? identity.hub_key_file.parent_path() : data_directory) / "hub.keys";
}

}  // namespace

std::shared_ptr<Agent> Agent::create(boost::asio::any_io_executor loop, Engine& engine, Identity identity,
                                     std::filesystem::path data_directory, const BrokerOptions& broker,
                                     Tuning tuning) {
  std::shared_ptr<Agent> agent(
      new Agent(std::move(loop), engine, std::move(identity), std::move(data_directory), tuning));
  agent->connect(broker);
  return agent;
}

Agent::Agent(boost::asio::any_io_executor loop, Engine& engine, Identity identity,
             std::filesystem::path data_directory, Tuning tuning)
    : loop_(loop),
      engine_(engine),
      identity_(std::move(identity)),
      data_directory_(std::move(data_directory)),
      trusted_(identity_.hub_key, keys_file(identity_, data_directory_), identity_.hub_key_file),
      follow_timer_(loop),
      vault_(std::make_shared<Vault>(identity_.sealing_key)),
      memory_(loop, data_directory_,
              {[this] { on_loaded(); }, [this] { on_saved(); }, [this] { report_soon(); },
               [this](const std::string& text) {
                 tell({"store_replaced", "", "", v1::REASON_STORE_FAILED, text}, current_revision());
               }}),
      outbox_(loop, memory_,
              [this](v1::EventBatch batch) { return link_->publish_events(std::move(batch)); }),
      adopter_(engine, Files(data_directory_), vault_),
      facts_(data_directory_),
      // What waits to be written is wanted as well.
      purge_(engine, data_directory_, identity_.node, [this] { return waiting_ ? waiting_ : desired_; }),
      commands_{identity_.node, "", {}},
      report_timer_(loop),
      save_timer_(loop),
      tuning_(tuning),
      heartbeat_timer_(loop) {}

void Agent::connect(const BrokerOptions& broker) {
  HubLink::Callbacks on{
      [this] { on_up(); },
      [this](const std::string& why) { on_down(why); },
      [this](const std::string& envelope) { on_manifest(envelope); },
      [this](const v1::EventAck& ack) { outbox_.acknowledged(ack); },
      [this](const std::string& envelope) { on_command(envelope); },
  };
  link_ = std::make_unique<HubLink>(loop_, broker, identity_.node, std::move(on));
}

void Agent::start() {
  asio::co_spawn(
      loop_,
      [](std::shared_ptr<Agent> self) -> asio::awaitable<void> {
        co_await self->purge_.sweep();
      }(shared_from_this()),
      rethrow);
  memory_.open();
  // With a store that cannot be opened there is nothing to run, but much to report.
  if (!reconciler_) start_reconciler();
  link_->start();
  if (renewer_) renewer_->start();
}

void Agent::stop() {
  if (renewer_) renewer_->stop();
  link_->stop();
  if (save_due_) save_report();
  memory_.close();
  report_timer_.cancel();
  save_timer_.cancel();
  follow_timer_.cancel();
  heartbeat_timer_.cancel();
}

Past Agent::remembered() const {
  Past past;
  past.good = memory_.good();
  past.failed = memory_.failed();
  for (const auto& [stack, digest] : memory_.trials()) past.trials[stack] = {digest};
  past.jobs = memory_.jobs();
  past.completed = memory_.completed();
  past.hooked = memory_.hooked();
  past.notices = memory_.notices();
  past.pulled = memory_.pulled();
  past.images = memory_.images();
  return past;
}

void Agent::start_reconciler() {
  const std::weak_ptr<Agent> weak = weak_from_this();
  Reconciler::Callbacks on;
  on.on_standing = [weak] {
    const auto self = weak.lock();
    if (!self) return;
    self->sweep_scratch();
    self->report_soon();
  };
  on.on_happening = [weak](Happening happening) {
    if (const auto self = weak.lock()) self->tell(std::move(happening), self->current_revision());
  };
  on.on_past = [weak] {
    if (const auto self = weak.lock()) self->on_past();
  };
  on.is_saved = [weak] {
    const auto self = weak.lock();
    return !self || (self->memory_.loaded() && !self->memory_.good_waits() && !self->memory_.jobs_wait());
  };
  on.content = [weak](const std::string& sha256) {
    const auto self = weak.lock();
    return self ? self->memory_.good_file(sha256) : std::nullopt;
  };
  engine_.set_adopted(memory_.adopted());
  on.sealed = [weak](const std::string& id) {
    const auto self = weak.lock();
    return self ? self->memory_.good_secret(id) : std::nullopt;
  };
  Reconciler::Options options{data_directory_};
  options.secrets_directory = tuning_.secrets_directory;
  options.node = identity_.node;
  options.vault = vault_;
  options.parallel_pulls = tuning_.parallel_pulls;
  options.disk_reserve_bytes = tuning_.disk_reserve_bytes;
  options.policy = tuning_.policy;
  options.window_clock = [weak]() -> std::optional<std::int64_t> {
    const auto self = weak.lock();
    return self ? self->window_clock_s() : std::nullopt;
  };
  reconciler_ = std::make_shared<Reconciler>(loop_, engine_, std::move(options), remembered(), std::move(on));
  reconciler_->start();
}

// Unix time; nothing: the clock cannot be right.
std::optional<std::int64_t> Agent::window_clock_s() const {
  if (const auto synchronised_ms = synchronised_clock_ms()) return *synchronised_ms / 1'000;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const std::int64_t at = std::chrono::duration_cast<std::chrono::seconds>(now).count();
  return is_plausible(at, issued_at_ms_) ? std::optional(at) : std::nullopt;
}

// The stored envelope is no more trusted than one from the broker.
void Agent::on_loaded() {
  engine_.set_adopted(memory_.adopted());
  if (reconciler_) {
    reconciler_->recall(remembered());
  } else {
    start_reconciler();
  }
  if (const auto& report = memory_.report()) {
    announce(*report);
    saved_ = content_of(*report);
  }
  const auto& envelope = memory_.manifest();
  if (!envelope || desired_ || waiting_) return;
  Judgement judgement =
      judge(*envelope, trusted_.key_of_stored(kManifestKind, *envelope), identity_.node, {});
  if (auto* accepted = std::get_if<AcceptedManifest>(&judgement)) {
    newest_ = {accepted->desired.generation, accepted->digest};
    issued_at_ms_ = accepted->issued_at_ms;
    log::info("manifest of generation {} (revision {}) read from the store", newest_.generation,
              accepted->desired.revision);
    adopt(std::make_shared<const Desired>(std::move(accepted->desired)));
  } else if (const auto* refused = std::get_if<RefusedManifest>(&judgement)) {
    log::warn("stored {}", refused->text);
  }
}

void Agent::on_manifest(const std::string& envelope) {
  follow_timer_.cancel();
  if (!follow_hub_key(kManifestKind, envelope)) return;
  Judgement judgement = judge(envelope, trusted_.key(), identity_.node, newest_);
  if (auto* accepted = std::get_if<AcceptedManifest>(&judgement)) {
    accept(std::move(*accepted), envelope);
  } else if (auto* refused = std::get_if<RefusedManifest>(&judgement)) {
    if (refused->reason == v1::REASON_SIGNATURE_REFUSED && trusted_.has_left_behind(kManifestKind, envelope))
      refused->text = left_key_text();
    refuse(std::move(*refused));
  } else if (refusal_) {
    refusal_.reset();  // the broker holds the right one again
    report_soon();
  }
}

// It is on the disk before anything of it is done, so that a power cut never brings back the one before it.
void Agent::accept(AcceptedManifest accepted, const std::string& envelope) {
  newest_ = {accepted.desired.generation, accepted.digest};
  issued_at_ms_ = accepted.issued_at_ms;
  refusal_.reset();
  log::info("manifest of generation {} (revision {}) accepted", newest_.generation,
            accepted.desired.revision);
  waiting_ = std::make_shared<const Desired>(std::move(accepted.desired));
  memory_.save_manifest(newest_.generation, envelope);  // on_saved() adopts it
  report_soon();
}

void Agent::on_saved() {
  if (waiting_ && !memory_.manifest_waits()) {
    const auto desired = std::exchange(waiting_, nullptr);
    adopt(desired);
    tell({"manifest_accepted", "", "", v1::REASON_NONE,
          fmt::format("generation {}, {} stack{}", desired->generation, desired->stacks.size(),
                      desired->stacks.size() == 1 ? "" : "s")},
         desired->revision);
  }
  if (reconciler_) reconciler_->saved();
  if (link_->up()) outbox_.send();
}

void Agent::adopt(std::shared_ptr<const Desired> desired) {
  desired_ = std::move(desired);
  reconciler_->set_desired(desired_);
}

void Agent::refuse(RefusedManifest refused) {
  Refusal refusal{refused.reason, refused.text, {}};
  refusal.position.set_generation(refused.generation);
  refusal.position.set_revision(refused.revision);
  const bool is_news = !refusal_ || refusal_->text != refusal.text;
  refusal_ = std::move(refusal);
  if (!is_news) return;  // a broker that keeps sending it is no event each time
  tell({"manifest_refused", "", "", refused.reason, refused.text}, refused.revision);
  report_soon();
}

}  // namespace hivemind::agent
