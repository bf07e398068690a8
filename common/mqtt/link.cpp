#include "common/mqtt/link.h"

#include <map>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <mqtt/async_client.h>
#include <unistd.h>

#include "common/backoff.h"
#include "common/error.h"

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

constexpr std::string_view kPlain = "mqtt://";
constexpr std::string_view kOverTls = "mqtts://";

// Paho calls the same address schemes "tcp" and "ssl".
std::string paho_uri(const std::string& url) {
  const bool tls = url.starts_with(kOverTls);
  const std::size_t scheme = (tls ? kOverTls : kPlain).size();
  if ((!tls && !url.starts_with(kPlain)) || url.find(':', scheme) == std::string::npos) {
    throw Error(ErrorCode::kInvalid,
                "broker URL '{}' is not of the form mqtt://HOST:PORT or mqtts://HOST:PORT", url);
  }
  return (tls ? "ssl://" : "tcp://") + url.substr(scheme);
}

// Without a CA file a TLS link could be to anybody; with one and no TLS, its owner would think that it is
// safe.
void check_trust(const LinkOptions& options) {
  if (!options.url.starts_with(kOverTls)) {
    if (options.ca_file.empty()) return;
    throw Error(ErrorCode::kInvalid, "CA file '{}' is given, but the broker URL '{}' is not mqtts://",
                options.ca_file.string(), options.url);
  }
  if (options.ca_file.empty())
    throw Error(ErrorCode::kInvalid, "broker URL '{}' needs the CA file that vouches for it", options.url);
  if (::access(options.ca_file.c_str(), R_OK) != 0)
    throw Error(ErrorCode::kInvalid, "CA file '{}' cannot be read", options.ca_file.string());
}

// The certificate must be signed by the CA, be in its time, and carry the host name or address of the URL.
::mqtt::ssl_options tls_options(const LinkOptions& options) {
  ::mqtt::ssl_options tls;
  tls.set_trust_store(options.ca_file.string());
  tls.set_ssl_version(
      MQTT_SSL_VERSION_DEFAULT);  // the newest that both know; below TLS 1.2 is refused by OpenSSL 3
  tls.set_enable_server_cert_auth(true);
  tls.set_verify(true);
  return tls;
}

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
  bool up() const { return state_ == State::kUp; }
  bool publish(const std::string& topic, std::string payload, bool retained,
               std::function<void()> on_delivered);

 private:
  enum class State { kIdle, kConnecting, kSubscribing, kUp, kWaiting, kStopped };

  class Relay;
  class Delivery;

  void connect();
  void subscribe();
  void went_up();
  void went_down(const std::string& why);
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
        on_connect_(*this, &Impl::subscribe),
        on_subscribe_(*this, &Impl::went_up),
        on_publish_(*this) {}

  ::mqtt::iaction_listener& on_connect() { return on_connect_; }
  ::mqtt::iaction_listener& on_subscribe() { return on_subscribe_; }
  ::mqtt::iaction_listener& on_publish() { return on_publish_; }

  void connection_lost(const std::string& cause) override { down(cause.empty() ? "connection lost" : cause); }

  void message_arrived(::mqtt::const_message_ptr message) override {
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
  Step on_connect_;
  Step on_subscribe_;
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
  if (!options_.ca_file.empty()) connect.set_ssl(tls_options(options_));
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
  if (callbacks_.on_up) callbacks_.on_up();
}

void Link::Impl::went_down(const std::string& why) {
  if (state_ != State::kConnecting && state_ != State::kSubscribing && state_ != State::kUp)
    return;  // told already
  if (state_ == State::kUp && Clock::now() - up_since_ > kStable) backoff_.reset();
  state_ = State::kWaiting;
  awaiting_.clear();
  try {
    if (client_.is_connected()) client_.disconnect();  // a refused subscription leaves the connection open
  } catch (const ::mqtt::exception&) {
    // It is gone already, which is what was wanted.
  }
  timer_.expires_after(backoff_.next());
  timer_.async_wait([self = shared_from_this()](const boost::system::error_code& cancelled) {
    if (!cancelled && self->state_ == State::kWaiting) self->connect();
  });
  if (callbacks_.on_down) callbacks_.on_down(why);
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
bool Link::up() const {
  return impl_->up();
}

bool Link::publish(const std::string& topic, std::string payload, bool retained,
                   std::function<void()> on_delivered) {
  return impl_->publish(topic, std::move(payload), retained, std::move(on_delivered));
}

}  // namespace hivemind::mqtt
