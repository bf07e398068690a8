#include "hub/broker/takeover.h"

#include <chrono>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "common/backoff.h"
#include "common/error.h"
#include "common/rethrow.h"

namespace hivemind::hub {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;
using namespace std::string_literals;

constexpr auto kAttempt = 10s;
constexpr auto kFirstRetry = 100ms;
constexpr auto kMaxRetry = 5s;

// MQTT 3.1.1, 3.1: clean session, keep-alive 10 s. Ids are names of nodes, so the length fits one byte.
std::string connect_packet(const std::string& client_id) {
  const std::string variable = "\0\4MQTT\4\2\0\12\0"s + static_cast<char>(client_id.size()) + client_id;
  return "\x10"s + static_cast<char>(variable.size()) + variable;
}

const std::string kDisconnect = "\xe0\0"s;
constexpr char kConnack = 0x20;

asio::awaitable<void> connect_once(asio::any_io_executor loop, const Takeover::Target& target) {
  asio::ssl::context context(asio::ssl::context::tls_client);
  context.load_verify_file(target.ca_file.string());
  context.use_certificate_chain_file(target.client_file.string());
  context.use_private_key_file(target.client_file.string(), asio::ssl::context::pem);
  asio::ssl::stream<tcp::socket> stream(loop, context);
  stream.set_verify_mode(asio::ssl::verify_peer);
  tcp::resolver resolver(loop);
  const auto addresses = co_await resolver.async_resolve(target.host, target.port, asio::use_awaitable);
  co_await asio::async_connect(stream.lowest_layer(), addresses, asio::use_awaitable);
  co_await stream.async_handshake(asio::ssl::stream_base::client, asio::use_awaitable);
  const std::string packet = connect_packet(target.client_id);
  co_await asio::async_write(stream, asio::buffer(packet), asio::use_awaitable);
  char answer[4] = {};
  co_await asio::async_read(stream, asio::buffer(answer), asio::use_awaitable);
  if (answer[0] != kConnack || answer[3] != 0)
    throw Error(ErrorCode::kDenied, "the broker refuses the connection with code {}", int{answer[3]});
  co_await asio::async_write(stream, asio::buffer(kDisconnect), asio::use_awaitable);
}

// Without exceptions: operator|| would go on and wait for the timer after one.
asio::awaitable<std::optional<std::string>> why_not_connected(asio::any_io_executor loop,
                                                              Takeover::Target target) {
  try {
    co_await connect_once(loop, target);
    co_return std::nullopt;
  } catch (const boost::system::system_error& failure) {
    co_return failure.code().message();  // its what() also says where in Asio
  } catch (const std::exception& failure) {
    co_return failure.what();
  }
}

}  // namespace

class Takeover::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::any_io_executor loop, Target target, OnDone on_done)
      : loop_(loop), target_(std::move(target)), on_done_(std::move(on_done)), pause_(loop) {}

  void start() { asio::co_spawn(loop_, run(shared_from_this()), rethrow); }
  void abandon() {
    on_done_ = nullptr;
    pause_.cancel();
  }

 private:
  static asio::awaitable<void> run(std::shared_ptr<Impl> self);
  asio::awaitable<std::optional<std::string>> attempt();

  asio::any_io_executor loop_;
  Target target_;
  OnDone on_done_;
  asio::steady_timer pause_;
};

asio::awaitable<void> Takeover::Impl::run(std::shared_ptr<Impl> self) {
  const auto deadline = std::chrono::steady_clock::now() + self->target_.patience;
  Backoff backoff(kFirstRetry, kMaxRetry);
  std::optional<std::string> why_not = co_await self->attempt();
  while (why_not && self->on_done_ && std::chrono::steady_clock::now() < deadline) {
    self->pause_.expires_after(backoff.next());
    boost::system::error_code cut_short;
    co_await self->pause_.async_wait(asio::redirect_error(asio::use_awaitable, cut_short));
    if (self->on_done_) why_not = co_await self->attempt();
  }
  std::error_code ignored;
  std::filesystem::remove(self->target_.client_file, ignored);
  if (const auto on_done = std::exchange(self->on_done_, nullptr)) on_done(why_not);
}

asio::awaitable<std::optional<std::string>> Takeover::Impl::attempt() {
  using asio::experimental::awaitable_operators::operator||;
  asio::steady_timer timer(loop_, kAttempt);
  auto first = co_await (why_not_connected(loop_, target_) || timer.async_wait(asio::use_awaitable));
  co_return first.index() == 0 ? std::get<0>(std::move(first)) : "the broker does not answer"s;
}

Takeover::Takeover(asio::any_io_executor loop, Target target, OnDone on_done)
    : impl_(std::make_shared<Impl>(std::move(loop), std::move(target), std::move(on_done))) {
  impl_->start();
}

Takeover::~Takeover() {
  impl_->abandon();
}

}  // namespace hivemind::hub
