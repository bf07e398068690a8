#include "hub/broker/broker.h"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "common/backoff.h"
#include "common/error.h"
#include "common/file.h"
#include "common/log.h"
#include "common/rethrow.h"
#include "hub/broker/child.h"
#include "hub/broker/configuration.h"
#include "hub/broker/leftover.h"
#include "hub/broker/output.h"
#include "hub/broker/probe.h"

namespace hivemind::hub {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kFirstRetry{200};
constexpr std::chrono::milliseconds kMaxRetry{30'000};
constexpr std::chrono::seconds kStable{10};  // a broker that ran for so long is started again at once
constexpr std::chrono::milliseconds kFirstProbe{2};
constexpr std::chrono::milliseconds kMaxProbe{100};
constexpr std::chrono::seconds kProbeAnswer{2};
constexpr std::chrono::seconds kPatience{5};  // for messages to be written to disk
constexpr std::chrono::seconds kSaveGap{1};

std::filesystem::path find_program() {
  std::string path = std::getenv("PATH") == nullptr ? "" : std::getenv("PATH");
  path += ":/usr/sbin:/usr/local/sbin";  // not in the path of every user, and Debian's place for it
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find(':', at), path.size());
    const std::filesystem::path program = std::filesystem::path(path.substr(at, end - at)) / "mosquitto";
    if (program.is_absolute() && ::access(program.c_str(), X_OK) == 0) return program;
    at = end + 1;
  }
  throw Error(
      ErrorCode::kNotFound,
      "mosquitto is not installed (apt install mosquitto, or use a broker of yours with --broker-url)");
}

ListenAddress checked_address(const BrokerOptions& options) {
  ListenAddress listen = ListenAddress::parse(options.listen);
  if (!listen.loopback() && !options.tls && options.access == BrokerOptions::Access::kLoopback) {
    throw Error(ErrorCode::kInvalid,
                "broker address '{}' is not on this machine alone, and without TLS anyone could connect "
                "(listen on 127.0.0.1, use TLS, or use a broker of yours with --broker-url)",
                options.listen);
  }
  return listen;
}

void make_directory(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (!error && ::chmod(directory.c_str(), 0700) == 0) return;
  throw Error(ErrorCode::kUnavailable, "broker directory '{}' cannot be made: {}", directory.string(),
              error ? error.message() : "no right");
}

}  // namespace

class Broker::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::any_io_executor loop, BrokerOptions options, Callbacks callbacks)
      : loop_(loop),
        options_(std::move(options)),
        callbacks_(std::move(callbacks)),
        listen_(checked_address(options_)),
        program_(find_program()),
        pause_(loop),
        kill_(loop),
        save_(loop) {
    options_.directory = std::filesystem::absolute(options_.directory).lexically_normal();
    make_directory(options_.directory);
  }

  void start() { asio::co_spawn(loop_, supervise(shared_from_this()), rethrow); }
  void stop(std::function<void()> on_stopped);
  void abandon();
  void save();
  bool reload();
  bool running() const { return running_; }
  std::string url() const { return broker_url(listen_, options_.tls ? WithTls::kYes : WithTls::kNo); }

 private:
  std::filesystem::path configuration_file() const { return options_.directory / "mosquitto.conf"; }
  void keep_configuration(const std::string& text) const;
  std::filesystem::path pid_file() const { return options_.directory / "mosquitto.pid"; }

  // Each holds the object it works on: it may be the last to do so.
  static asio::awaitable<void> supervise(std::shared_ptr<Impl> self);
  asio::awaitable<std::string> attempt();
  asio::awaitable<std::string> run();
  asio::awaitable<std::string> wait_for_end();
  asio::awaitable<void> forward_output();
  asio::awaitable<void> announce();
  asio::awaitable<void> pause(std::chrono::milliseconds time);
  void end_child_softly();
  void request_save();

  asio::any_io_executor loop_;
  BrokerOptions options_;
  Callbacks callbacks_;
  ListenAddress listen_;
  std::filesystem::path program_;

  std::optional<Child> child_;
  bool child_alive_ = false;
  bool running_ = false;  // it answers
  bool supervised_ = false;
  bool stopping_ = false;
  std::function<void()> on_stopped_;
  BrokerOutput output_;
  asio::steady_timer pause_;
  asio::steady_timer kill_;
  asio::steady_timer save_;
  bool save_waits_ = false;
  bool reload_waits_ = false;  // until it answers
  std::optional<Clock::time_point> saved_at_;
};

asio::awaitable<void> Broker::Impl::supervise(std::shared_ptr<Impl> self) {
  self->supervised_ = true;
  Backoff backoff(kFirstRetry, kMaxRetry);
  while (!self->stopping_) {
    const Clock::time_point started = Clock::now();
    const std::string why = co_await self->attempt();
    if (self->stopping_) break;
    const bool was_stable = Clock::now() - started >= kStable;
    if (was_stable) backoff.reset();
    if (self->callbacks_.on_down) self->callbacks_.on_down(why);
    if (!was_stable && !self->stopping_) co_await self->pause(backoff.next());
  }
  self->supervised_ = false;
  if (const auto on_stopped = std::exchange(self->on_stopped_, nullptr)) on_stopped();
}

// A start on a full disk needs no room for what is there already.
void Broker::Impl::keep_configuration(const std::string& text) const {
  std::error_code failure;
  if (std::filesystem::exists(configuration_file(), failure) && read_file(configuration_file()) == text)
    return;
  write_file_durably(configuration_file(), text, 0600);
}

// One life of the broker; returns why it is over.
asio::awaitable<std::string> Broker::Impl::attempt() {
  try {
    co_await end_leftover(loop_, pid_file(), configuration_file());
    if (stopping_) co_return "stopped";
    require_free(loop_, listen_);
    const std::string user = ::geteuid() == 0 ? "root" : "";
    keep_configuration(broker_configuration(listen_, options_, user));
    // What the other kind of listener has kept is of no use: names of sessions differ, and nobody was let in
    // there by a certificate.
    std::error_code ignored;
    std::filesystem::remove(options_.directory / database_name(options_.tls ? WithTls::kNo : WithTls::kYes),
                            ignored);
    co_return co_await run();
  } catch (const std::exception& error) {
    co_return error.what();
  }
}

asio::awaitable<std::string> Broker::Impl::run() {
  using asio::experimental::awaitable_operators::operator&&;
  output_ = BrokerOutput();
  child_.emplace(loop_, ChildOptions{{program_.string(), "-c", configuration_file().string()}, pid_file()});
  child_alive_ = true;
  std::string outcome = co_await (wait_for_end() && forward_output() && announce());
  child_.reset();
  if (!output_.last_error().empty()) outcome += ": " + output_.last_error();
  co_return fmt::format("mosquitto {}", outcome);
}

asio::awaitable<std::string> Broker::Impl::wait_for_end() {
  std::string outcome = co_await child_->ended();
  child_alive_ = false;
  running_ = false;
  kill_.cancel();
  save_.cancel();
  // The loop cannot take the pid of a process that was reaped for ours, but the file is of no use any more.
  std::error_code ignored;
  std::filesystem::remove(pid_file(), ignored);
  co_return outcome;
}

asio::awaitable<void> Broker::Impl::forward_output() {
  char buffer[4096];
  for (;;) {
    boost::system::error_code error;
    const std::size_t got = co_await child_->errors().async_read_some(
        asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return;  // the end: the other end is closed
    output_.add({buffer, got}, Clock::now());
  }
}

asio::awaitable<void> Broker::Impl::announce() {
  for (std::chrono::milliseconds wait = kFirstProbe; child_alive_; wait = std::min(wait * 2, kMaxProbe)) {
    // Over TLS it would take a certificate to be answered, and the session of whose name it has. But
    // Mosquitto listens some milliseconds before it reads its files and takes signals (2.0.11; USR1 is the
    // last one). No conditional expression: g++ 12 destroys an awaited temporary of one twice.
    bool answers = false;
    if (options_.tls) {
      answers = co_await accepts(loop_, listen_, kProbeAnswer);
      answers = answers && child_alive_ && child_->takes(SIGHUP) && child_->takes(SIGUSR1);
    } else {
      answers = co_await answers_mqtt(loop_, listen_, kProbeAnswer);
    }
    if (answers && child_alive_) {
      running_ = true;
      if (std::exchange(reload_waits_, false)) reload();
      if (callbacks_.on_up && !stopping_) callbacks_.on_up();
      co_return;
    }
    asio::steady_timer timer(loop_, wait);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

asio::awaitable<void> Broker::Impl::pause(std::chrono::milliseconds time) {
  pause_.expires_after(time);
  boost::system::error_code cut_short;
  co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, cut_short));
}

void Broker::Impl::end_child_softly() {
  child_->signal(SIGTERM);
  kill_.expires_after(kPatience);
  kill_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (!error && self->child_) self->child_->signal(SIGKILL);
  });
}

void Broker::Impl::stop(std::function<void()> on_stopped) {
  stopping_ = true;
  if (!supervised_) {
    if (on_stopped) asio::post(loop_, std::move(on_stopped));
    return;
  }
  on_stopped_ = std::move(on_stopped);
  pause_.cancel();
  if (child_) end_child_softly();
}

// The loop may not run any more, so this blocks; the coroutines find the child gone if they are ever resumed.
void Broker::Impl::abandon() {
  stopping_ = true;
  callbacks_ = {};
  on_stopped_ = nullptr;
  pause_.cancel();
  kill_.cancel();
  save_.cancel();
  if (!child_) return;
  child_->signal(SIGTERM);
  if (!child_->wait(static_cast<int>(std::chrono::milliseconds(kPatience).count()))) child_->signal(SIGKILL);
  child_->wait(-1);
}

void Broker::Impl::save() {
  if (!running_ || save_waits_) return;
  const Clock::time_point now = Clock::now();
  if (!saved_at_ || now - *saved_at_ >= kSaveGap) return request_save();
  save_waits_ = true;
  save_.expires_at(*saved_at_ + kSaveGap);
  save_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    self->save_waits_ = false;
    if (!error) self->request_save();
  });
}

// mosquitto(8): on SIGUSR1 the persistence database is written. Only once it answers: before, the signal
// would end it.
void Broker::Impl::request_save() {
  if (!running_ || !child_) return;
  saved_at_ = Clock::now();
  child_->signal(SIGUSR1);
}

// mosquitto(8): on SIGHUP the configuration is read again. Listeners stay as they are, but for their files.
// One that does not answer yet may have read them already, and the signal could end it.
bool Broker::Impl::reload() {
  reload_waits_ = !running_;
  if (running_) child_->signal(SIGHUP);
  return running_;
}

Broker::Broker(asio::any_io_executor loop, BrokerOptions options, Callbacks callbacks)
    : impl_(std::make_shared<Impl>(std::move(loop), std::move(options), std::move(callbacks))) {}

Broker::~Broker() {
  impl_->abandon();
}

void Broker::start() {
  impl_->start();
}

void Broker::stop(std::function<void()> on_stopped) {
  impl_->stop(std::move(on_stopped));
}

void Broker::save() {
  impl_->save();
}

bool Broker::reload() {
  return impl_->reload();
}

bool Broker::running() const {
  return impl_->running();
}

std::string Broker::url() const {
  return impl_->url();
}

}  // namespace hivemind::hub
