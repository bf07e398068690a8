#include "hub/hub.h"

#include <charconv>

#include "common/error.h"
#include "common/log.h"
#include "common/topics.h"
#include "common/version.h"
#include "hub/clock.h"

namespace hivemind::hub {
namespace {

using namespace std::chrono_literals;

constexpr auto kReplyPatience = 60s;  // a comparison makes and removes a container for each that there is
constexpr auto kFlushPause = 50ms;    // what comes in is stored together: one fsync for thousands of reports
constexpr auto kFailedFlushPause = 2s;  // a full disk does not get better by asking it all the time

}  // namespace

Hub::Hub(boost::asio::any_io_executor loop, const Config& config)
    : loop_(loop),
      lock_(config.data_dir),
      identity_(config.data_dir),
      token_(ApiToken::load_or_create(config.data_dir / defaults::kTokenFile)),
      store_(config.data_dir),
      signal_(loop),
      delivery_(delivery_callbacks()),
      publisher_(store_, identity_.key(), inventory_, delivery_, config.registries.credentials),
      intake_(inventory_, intake_callbacks()),
      commands_(loop, identity_.key(),
                [this](const std::string& node, std::string envelope) {
                  return link_->publish(topics::command(node), std::move(envelope), false);
                }),
      flush_(loop),
      repair_(loop),
      broker_(make_broker(config)),
      link_(make_link()),
      registries_(config.registries),
      pinning_(
          loop,
          [this](const registry::ImageName& name, const Pin* known, const std::atomic<bool>& cancelled) {
            return registries_.resolve(name, known, cancelled);
          },
          pinning_callbacks()),
      worker_(config.data_dir / "git", config.git, config.git_path),
      tracker_(loop, worker_, config.poll_interval,
               {[this](GitTask& task, ConfirmEmpty confirm) { prepare(task, confirm); },
                [this](const GitOutcome& outcome, ConfirmEmpty confirm) { return act(outcome, confirm); },
                [this](std::optional<Tracker::Clock::time_point> at) { status_.git.retry_at = at; }}),
      routes_(*this),
      server_(loop, {.listen = config.listen},
              {[this](std::string_view token) { return token_.matches(token); }, &api::Routes::is_open,
               [this](api::Request request) { return routes_.respond(std::move(request)); }}) {
  status_.git.url = git::redacted(config.git.url);
  status_.git.branch = config.git.branch;
  status_.git.path = config.git_path;
  load();
}

void Hub::load() {
  for (const StoredNode& stored : store_.nodes()) {
    Node& node = inventory_.node(stored.id);
    node.presence = stored.online ? Presence::kOnline : Presence::kOffline;
    node.seen_at_ms = stored.seen_at_ms;
    auto report = std::make_shared<v1::Report>();
    if (stored.report && report->ParseFromString(*stored.report)) node.report = std::move(report);
    if (const auto position = store_.events().position(stored.id)) unsent_acks_[stored.id] = *position;
  }
  publisher_.load();
  pinning_.load(store_.pins());
  status_.desired.revision = store_.acted_revision();
  if (!status_.desired.revision.empty()) status_.desired.state = DesiredStatus::State::kApplied;
}

void Hub::start() {
  log::info("hivemind-hub {} follows '{}', branch '{}'", version(), status_.git.url, status_.git.branch);
  log::info("API on port {}, broker {}", server_.port(), status_.broker.url);
  if (broker_) {
    broker_->start();
  } else {
    link_->start();
  }
  tracker_.start();
  server_.start();
}

void Hub::stop(std::function<void()> on_stopped) {
  tracker_.stop();
  pinning_.stop();
  server_.stop();
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
  co_return co_await commands_.ask(*known, std::move(command), kReplyPatience);
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
    const bool reissued = !publisher_.reissue(unix_now_ms()).empty();
    store_worked();
    for (const EventBatch& batch : change.events) acknowledge(batch.node);
    if (!change.events.empty() || reissued) changed_now();
  } catch (const Error& error) {
    intake_.give_back(std::move(change));
    store_failed(error);
    flush_soon();
  }
}

void Hub::store_failed(const Error& error) {
  if (status_.store_error != error.what())
    log::error("the data directory cannot be written: {}", error.what());
  status_.store_error = error.what();
  changed_now();
}

void Hub::store_worked() {
  if (status_.store_error.empty()) return;
  log::info("the data directory can be written again");
  status_.store_error.clear();
  delivery_.resume();
  changed_now();
}

}  // namespace hivemind::hub
