#include "hub/hub.h"

#include <charconv>
#include <cstdlib>

#include "common/error.h"
#include "common/log.h"
#include "common/report_redaction.h"
#include "common/topics.h"
#include "common/version.h"
#include "hub/clock.h"
#include "hub/store/room.h"

namespace hivemind::hub {
namespace {

using namespace std::chrono_literals;

constexpr auto kReplyPatience = 60s;  // a comparison makes and removes a container for each that there is
constexpr auto kFlushPause = 50ms;    // what comes in is stored together: one fsync for thousands of reports
constexpr auto kStorePause = 200ms;   // between looks at it
constexpr auto kFailedFlushPause = 2s;  // a full disk does not get better by asking it all the time

}  // namespace

Hub::Hub(boost::asio::any_io_executor loop, const Config& config)
    : loop_(loop),
      data_dir_(config.data_dir),
      lock_(config.data_dir),
      identity_(config.data_dir, unix_now_ms()),
      authority_(Authority::load_or_create(config.data_dir, config.authority)),
      token_(ApiToken::load_or_create(config.data_dir / defaults::kTokenFile)),
      store_(config.data_dir),
      tokens_(store_.database()),
      audit_(store_.database()),
      secrets_(store_,
               open_master_key(
                   master_key_file(config.master_key, config.data_dir, std::getenv("CREDENTIALS_DIRECTORY")),
                   store_),
               *redactor_),
      signal_(loop),
      enrolment_(store_.enrolment(), authority_, inventory_, config.enrolment, unix_now_ms,
                 enrolment_callbacks()),
      delivery_(delivery_callbacks()),
      publisher_(
          store_, identity_.signer(), inventory_, delivery_, secrets_,
          [this](const std::string& node) { return sealing_key(node); }, config.registries.credentials),
      intake_(inventory_, intake_callbacks(), redactor_.get()),
      commands_(loop, identity_.signer(),
                [this](const std::string& node, std::string envelope) {
                  return link_->publish(topics::command(node), std::move(envelope), false);
                }),
      flush_(loop),
      repair_(loop),
      access_(make_access(config)),
      broker_(make_broker(config)),
      link_(make_link()),
      registries_(registry_options(config)),
      pinning_(
          loop,
          [this](const registry::ImageName& name, const Pin* known, const std::atomic<bool>& cancelled) {
            return registries_.resolve(name, known, cancelled);
          },
          pinning_callbacks()),
      worker_(config.data_dir / "git", config.git, config.git_path, config.git_signers),
      tracker_(loop, worker_, config.poll_interval,
               {[this](GitTask& task, ConfirmEmpty confirm) { prepare(task, confirm); },
                [this](const GitOutcome& outcome, ConfirmEmpty confirm) { return act(outcome, confirm); },
                [this](std::optional<Tracker::Clock::time_point> at) { status_.git.retry_at = at; }}),
      routes_(api::join({api::fleet_routes(*this), api::work_routes(*this), api::trust_routes(*this),
                         api::enrolment_routes(enrolment_, enrolment_facts(config)),
                         api::secret_routes(secrets_, secret_hooks()),
                         api::broker_routes(
                             authority_, {config.advertise, [this] { return enrolment_.revocation_list(); }}),
                         access_routes({tokens_, audit_, loop, [this] { server_.drop_revoked(); }})}),
              route_hooks()),
      certificates_(make_certificates(config)),
      server_(loop, {.listen = config.listen}, server_callbacks(),
              certificates_ ? certificates_->tls() : nullptr) {
  log::redact_with(redactor_);
  status_.git.url = git::redacted(config.git.url);
  status_.git.branch = config.git.branch;
  status_.git.path = config.git_path;
  load();
}

void Hub::load() {
  for (const StoredNode& stored : store_.nodes()) {
    Node& node = inventory_.node(stored.id);
    const bool is_online = stored.online && node.membership != Membership::kRevoked;
    node.presence = is_online ? Presence::kOnline : Presence::kOffline;
    node.seen_at_ms = stored.seen_at_ms;
    auto report = std::make_shared<v1::Report>();
    if (stored.report && report->ParseFromString(*stored.report)) node.report = std::move(report);
    if (const auto position = store_.events().position(stored.id)) unsent_acks_[stored.id] = *position;
  }
  publisher_.load();
  load_guard();
  pinning_.load(store_.pins());
  status_.desired.revision = store_.acted_revision();
  if (!status_.desired.revision.empty()) status_.desired.state = DesiredStatus::State::kApplied;
}

void Hub::start() {
  log::info("hivemind-hub {} follows '{}', branch '{}'", version(), status_.git.url, status_.git.branch);
  log::info("API on port {} ({}), broker {}", server_.port(), certificates_ ? "TLS" : "plain HTTP",
            status_.broker.url);
  check_store();
  if (broker_) {
    broker_->start();
  } else {
    link_->start();
  }
  if (access_) access_->start();
  tracker_.start();
  if (certificates_) certificates_->start();
  server_.start();
}

void Hub::stop(std::function<void()> on_stopped) {
  tracker_.stop();
  pinning_.stop();
  server_.stop();
  if (access_) access_->stop();
  if (certificates_) certificates_->stop();
  link_->stop();
  flush_.cancel();
  repair_.cancel();
  flush();
  if (broker_) {
    broker_->stop(std::move(on_stopped));
  } else {
    on_stopped();
  }
}

std::optional<std::string> Hub::not_ready() const {
  if (!status_.broker.connected) return "the broker is not connected: " + status_.broker.error;
  if (status_.git.revision.empty()) {
    return status_.git.error.empty() ? "nothing has been fetched yet"
                                     : "nothing has been fetched: " + status_.git.error;
  }
  return std::nullopt;
}

boost::asio::awaitable<void> Hub::changed(std::uint64_t state_version,
                                          std::chrono::steady_clock::time_point deadline) {
  if (status_.state_version == state_version) co_await signal_.wait(deadline);
}

boost::asio::awaitable<v1::CommandReply> Hub::command(std::string node, v1::Command command) {
  const Node* known = inventory_.find(node);
  if (known == nullptr) throw Error(ErrorCode::kNotFound, "there is no node '{}'", node);
  if (is_shut_out(node)) throw Error(ErrorCode::kConflict, "node '{}' was revoked", node);
  v1::CommandReply reply = co_await commands_.ask(*known, std::move(command), kReplyPatience);
  redact(reply, *redactor_);
  co_return reply;
}

void Hub::changed_now() {
  ++status_.state_version;
  signal_.raise();
}

void Hub::flush_soon() {
  if (flush_armed_) return;
  flush_armed_ = true;
  flush_.expires_after(status_.store_error.empty() ? std::chrono::milliseconds(kFlushPause)
                                                   : kFailedFlushPause);
  flush_.async_wait([this](boost::system::error_code failure) {
    if (!failure) flush();
  });
}

// One transaction for all that came in. Events are acknowledged once it has been committed, not before.
void Hub::flush() {
  flush_armed_ = false;
  IntakeChange change = intake_.drain();
  try {
    store_.commit(change);
    const bool reissued = sign_anew();
    store_worked();
    for (const EventBatch& batch : change.events) acknowledge(batch.node);
    if (!change.events.empty() || reissued) changed_now();
  } catch (const Error& error) {
    intake_.give_back(std::move(change));
    store_failed(error);
  }
}

// When something could not be done for a reason that a disk may be behind: a look writes, and anybody may
// have been refused something.
void Hub::look_at_store() {
  if (!status_.store_error.empty()) return;  // it is looked at all the time
  const auto now = std::chrono::steady_clock::now();
  if (looked_at_store_ && now - *looked_at_store_ < kStorePause) return;
  looked_at_store_ = now;
  check_store();
}

void Hub::check_store() {
  try {
    require_room(data_dir_, store_);
  } catch (const Error& error) {
    store_failed(error);
  }
}

// Several parts find that out, each in its own words.
void Hub::store_failed(const Error& error) {
  if (status_.store_error.empty()) log::error("the data directory cannot be written: {}", error.what());
  if (status_.store_error != error.what()) {
    status_.store_error = error.what();
    changed_now();
  }
  flush_soon();
}

void Hub::store_worked() {
  if (status_.store_error.empty()) return;
  try {
    require_room(data_dir_, store_);
  } catch (const Error& error) {
    return store_failed(error);
  }
  log::info("the data directory can be written again");
  status_.store_error.clear();
  delivery_.resume();
  changed_now();
}

}  // namespace hivemind::hub
