#include "common/mqtt/link.h"

#include <map>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <mqtt/async_client.h>

#include "common/backoff.h"
#include "common/error.h"
#include "common/log.h"
#include "common/mqtt/diagnosis.h"
#include "common/mqtt/tls.h"

namespace hivemind::mqtt {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

constexpr int kQos = 1;
constexpr int kMaxBuffered = 100'000;  // Paho's own default of 100 makes bursts of publishes fail
constexpr int kMaxInFlight = 1000;
constexpr std::chrono::seconds kConnectTimeout{10};
constexpr std::chrono::seconds kStopTimeout{2};
constexpr std::chrono::seconds kStable{5};  // a connection that held so long starts the backoff anew
constexpr int kSubscriptionRefused = 0x80;  // MQTT 3.1.1, 3.9.3
constexpr std::chrono::minutes kDiagnosisPause{1};

std::string reason_of(const ::mqtt::token& token) {
  const std::string text = ::mqtt::exception::error_str(token.get_return_code());
  return text.empty() ? fmt::format("refused with code {}", token.get_return_code()) : text;
}

}  // namespace

// Lives on the loop thread. Paho's threads reach it through Relay alone, which copies and posts.
class Link::Impl : public std::enable_shared_from_this<Link::Impl> {
 public:
  Impl(asio::any_io_executor loop, LinkOptions options, std::vector<std::string> filters, Callbacks callbacks)
      : loop_(loop),
        timer_(loop),
        options_(std::move(options)),
        filters_(std::move(filters)),
        callbacks_(std::move(callbacks)),
        backoff_(options_.first_retry, options_.max_retry),
        client_(paho_uri(options_.url), options_.client_id,
                ::mqtt::create_options(MQTTVERSION_3_1_1, kMaxBuffered)) {}

  void start();
  void stop();
  void reconnect();
  bool up() const { return state_ == State::kUp; }
  Trouble trouble() const { return diagnosis_.trouble; }
  bool publish(const std::string& topic, std::string payload, bool retained,
               std::function<void()> on_delivered);

 private:
  enum class State { kIdle, kConnecting, kSubscribing, kUp, kWaiting, kReconnecting, kStopped };

  class Relay;
  class Delivery;

  void connect();
  void subscribe();
  void went_up();
  void went_down(const std::string& why);
  void attempt_failed(std::string why);
  void find_out(std::string why);
  void retry_later(const std::string& why);
  void connect_again();
  void delivered(std::uintptr_t ticket);
  ::mqtt::connect_options connect_options() const;

  asio::any_io_executor loop_;
  asio::steady_timer timer_;
  LinkOptions options_;
  std::vector<std::string> filters_;
  Callbacks callbacks_;
  Backoff backoff_;
  State state_ = State::kIdle;
  Clock::time_point up_since_{};
  Diagnosis diagnosis_;  // of the last failed attempt
  std::optional<Clock::time_point> diagnosed_at_;
  std::uintptr_t next_ticket_ = 1;
  std::map<std::uintptr_t, std::function<void()>>
      awaiting_;  // by the ticket that rides as Paho's user context
  std::shared_ptr<Relay> relay_;
  ::mqtt::async_client client_;  // last: its threads end before what they refer to
};

// Runs on Paho's threads.
class Link::Impl::Relay : public ::mqtt::callback {
 public:
  explicit Relay(const std::shared_ptr<Impl>& impl)
      : loop_(impl->loop_),
        impl_(impl),
        max_payload_(impl->options_.max_payload),
        on_connect_(*this, &Impl::subscribe),
        on_subscribe_(*this, &Impl::went_up),
        on_disconnect_(*this, &Impl::connect_again),
        on_publish_(*this) {}

  ::mqtt::iaction_listener& on_connect() { return on_connect_; }
  ::mqtt::iaction_listener& on_subscribe() { return on_subscribe_; }
  ::mqtt::iaction_listener& on_disconnect() { return on_disconnect_; }
  ::mqtt::iaction_listener& on_publish() { return on_publish_; }

  void connection_lost(const std::string& cause) override { down(cause.empty() ? "connection lost" : cause); }

  void message_arrived(::mqtt::const_message_ptr message) override {
    if (message->get_payload_str().size() > max_payload_) {
      run([topic = message->get_topic()](Impl&) {
        log::warn("a message of '{}' is too large, and dropped", topic);
      });
      return;
    }
    run([copy = Message{message->get_topic(), message->get_payload(), message->is_retained()}](
            Impl& impl) mutable {
      if (impl.state_ != State::kStopped) impl.callbacks_.on_message(std::move(copy));
    });
  }

 private:
  template <typename Task>
  void run(Task task) {
    asio::post(loop_, [weak = impl_, task = std::move(task)]() mutable {
      if (const auto impl = weak.lock()) task(*impl);
    });
  }

  void down(std::string why) {
    run([why = std::move(why)](Impl& impl) { impl.went_down(why); });
  }

  class Step : public ::mqtt::iaction_listener {
   public:
    Step(Relay& relay, void (Impl::*next)()) : relay_(relay), next_(next) {}
    void on_failure(const ::mqtt::token& token) override { relay_.down(reason_of(token)); }
    void on_success(const ::mqtt::token& token) override {
      if (token.get_type() == ::mqtt::token::Type::SUBSCRIBE && refused(token)) {
        relay_.down("the broker refuses the subscription");
        return;
      }
      relay_.run([next = next_](Impl& impl) { (impl.*next)(); });
    }

   private:
    static bool refused(const ::mqtt::token& token) {
      return token.get_return_code() == kSubscriptionRefused;
    }
    Relay& relay_;
    void (Impl::*next_)();
  };

  class Published : public ::mqtt::iaction_listener {
   public:
    explicit Published(Relay& relay) : relay_(relay) {}
    void on_failure(const ::mqtt::token&) override {}  // the connection is lost as well, which is told once
    void on_success(const ::mqtt::token& token) override {
      const auto ticket = reinterpret_cast<std::uintptr_t>(token.get_user_context());
      relay_.run([ticket](Impl& impl) { impl.delivered(ticket); });
    }

   private:
    Relay& relay_;
  };

  asio::any_io_executor loop_;
  std::weak_ptr<Impl> impl_;
  const std::size_t max_payload_;
  Step on_connect_;
  Step on_subscribe_;
  Step on_disconnect_;
  Published on_publish_;
};

void Link::Impl::start() {
  if (state_ != State::kIdle) return;
  relay_ = std::make_shared<Relay>(shared_from_this());
  client_.set_callback(*relay_);
  connect();
}

::mqtt::connect_options Link::Impl::connect_options() const {
  ::mqtt::connect_options connect;
  connect.set_mqtt_version(MQTTVERSION_3_1_1);
  connect.set_clean_session(false);
  connect.set_keep_alive_interval(options_.keep_alive);
  connect.set_connect_timeout(kConnectTimeout);
  connect.set_max_inflight(kMaxInFlight);
  if (is_tls(options_)) connect.set_ssl(tls_options(options_));
  if (options_.will)
    connect.set_will(::mqtt::will_options(options_.will->topic, options_.will->payload, kQos, true));
  return connect;
}

void Link::Impl::connect() {
  if (state_ == State::kStopped) return;
  state_ = State::kConnecting;
  try {
    client_.connect(connect_options(), nullptr, relay_->on_connect());
  } catch (const ::mqtt::exception& failure) {
    went_down(failure.what());
  }
}

void Link::Impl::subscribe() {
  if (state_ != State::kConnecting) return;  // Paho 1.3 may tell one connection twice
  state_ = State::kSubscribing;
  if (filters_.empty()) return went_up();
  try {
    client_.subscribe(::mqtt::string_collection::create(filters_),
                      ::mqtt::iasync_client::qos_collection(filters_.size(), kQos), nullptr,
                      relay_->on_subscribe());
  } catch (const ::mqtt::exception& failure) {
    went_down(failure.what());
  }
}

void Link::Impl::went_up() {
  if (state_ != State::kSubscribing) return;
  state_ = State::kUp;
  up_since_ = Clock::now();
  diagnosis_ = {};
  diagnosed_at_.reset();
  if (callbacks_.on_up) callbacks_.on_up();
}

void Link::Impl::went_down(const std::string& why) {
  // In all other states it was told already, or is wanted.
  if (state_ == State::kConnecting) return attempt_failed(why);
  if (state_ == State::kReconnecting) return connect();  // Paho tells no end of a connection that was gone
  if (state_ != State::kSubscribing && state_ != State::kUp) return;
  if (state_ == State::kUp && Clock::now() - up_since_ > kStable) backoff_.reset();
  try {
    if (client_.is_connected()) client_.disconnect();  // a refused subscription leaves the connection open
  } catch (const ::mqtt::exception&) {
    // It is gone already, which is what was wanted.
  }
  retry_later(why);
}

void Link::Impl::attempt_failed(std::string why) {
  if (!is_tls(options_)) return retry_later(why);
  const bool is_due = !diagnosed_at_ || Clock::now() - *diagnosed_at_ >= kDiagnosisPause;
  if (is_due) return find_out(std::move(why));
  retry_later(diagnosis_.text.empty() ? why : diagnosis_.text);
}

void Link::Impl::find_out(std::string why) {
  state_ = State::kWaiting;
  diagnosed_at_ = Clock::now();
  asio::co_spawn(
      loop_, diagnose(loop_, options_),
      [weak = weak_from_this(), why = std::move(why)](const std::exception_ptr&, Diagnosis diagnosis) {
        const auto self = weak.lock();
        if (!self || self->state_ != State::kWaiting) return;
        self->diagnosis_ = std::move(diagnosis);
        self->retry_later(self->diagnosis_.text.empty() ? why : self->diagnosis_.text);
      });
}

void Link::Impl::retry_later(const std::string& why) {
  state_ = State::kWaiting;
  awaiting_.clear();
  timer_.expires_after(backoff_.next());
  timer_.async_wait([self = shared_from_this()](const boost::system::error_code& cancelled) {
    if (!cancelled && self->state_ == State::kWaiting) self->connect();
  });
  if (callbacks_.on_down) callbacks_.on_down(why);
}

void Link::Impl::reconnect() {
  diagnosed_at_.reset();
  if (state_ == State::kWaiting) {
    timer_.cancel();
    return connect();
  }
  if (state_ != State::kUp)
    return;  // an attempt is under way: if it fails, the next one reads the files anew
  state_ = State::kReconnecting;
  awaiting_.clear();
  try {
    client_.disconnect(0, nullptr, relay_->on_disconnect());
  } catch (const ::mqtt::exception&) {
    return retry_later("reconnecting");
  }
  if (callbacks_.on_down) callbacks_.on_down("reconnecting");
}

void Link::Impl::connect_again() {
  if (state_ == State::kReconnecting) connect();
}

void Link::Impl::delivered(std::uintptr_t ticket) {
  auto entry = awaiting_.extract(ticket);
  if (!entry.empty()) entry.mapped()();
}

bool Link::Impl::publish(const std::string& topic, std::string payload, bool retained,
                         std::function<void()> on_delivered) {
  if (state_ != State::kUp) return false;
  const std::uintptr_t ticket = next_ticket_++;
  try {
    client_.publish(::mqtt::make_message(topic, std::move(payload), kQos, retained),
                    reinterpret_cast<void*>(ticket), relay_->on_publish());
  } catch (const ::mqtt::exception&) {
    return false;  // the connection is being lost, which Paho tells by itself
  }
  if (on_delivered) awaiting_.emplace(ticket, std::move(on_delivered));
  return true;
}

void Link::Impl::stop() {
  if (state_ == State::kStopped) return;
  const bool was_up = state_ == State::kUp;
  state_ = State::kStopped;
  timer_.cancel();
  awaiting_.clear();
  const Clock::time_point deadline = Clock::now() + kStopTimeout;  // for both: a broker may hang
  try {
    if (was_up && options_.will) {
      client_.publish(::mqtt::make_message(options_.will->topic, options_.will->payload, kQos, true))
          ->wait_until(deadline);
    }
    if (client_.is_connected()) client_.disconnect(0)->wait_until(deadline);
  } catch (const ::mqtt::exception&) {
    // The broker is gone; its copy of the will speaks for us.
  }
}

Link::Link(asio::any_io_executor loop, LinkOptions options, std::vector<std::string> filters,
           Callbacks callbacks) {
  check_trust(options);
  try {
    impl_ = std::make_shared<Impl>(loop, std::move(options), std::move(filters), std::move(callbacks));
  } catch (const ::mqtt::exception& failure) {
    throw Error(ErrorCode::kInvalid, "MQTT client cannot be made: {}", failure.what());
  }
}

Link::~Link() {
  impl_->stop();
}

void Link::start() {
  impl_->start();
}
void Link::stop() {
  impl_->stop();
}
void Link::reconnect() {
  impl_->reconnect();
}
bool Link::up() const {
  return impl_->up();
}
Trouble Link::trouble() const {
  return impl_->trouble();
}

bool Link::publish(const std::string& topic, std::string payload, bool retained,
                   std::function<void()> on_delivered) {
  return impl_->publish(topic, std::move(payload), retained, std::move(on_delivered));
}

}  // namespace hivemind::mqtt
