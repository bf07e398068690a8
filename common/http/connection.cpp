#include "common/http/connection.h"

#include <utility>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <sys/socket.h>

namespace hivemind::http {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;

namespace {

constexpr std::size_t kReadAtOnce = 16u << 10;
constexpr std::size_t kMaxBuffer = 128u << 10;  // more than the longest head

using Endpoint = asio::generic::stream_protocol::endpoint;

// A numeric host needs no resolver (and not the thread that Asio runs it on).
asio::awaitable<boost::system::error_code> resolve(asio::any_io_executor loop, Address address,
                                                   std::vector<Endpoint>* endpoints) {
  boost::system::error_code failure;
  if (!address.unix_path.empty()) {
    endpoints->emplace_back(asio::local::stream_protocol::endpoint(address.unix_path));
    co_return failure;
  }
  const auto numeric = asio::ip::make_address(address.host, failure);
  if (!failure) {
    const auto port = static_cast<asio::ip::port_type>(std::stoul(address.port));
    endpoints->emplace_back(tcp::endpoint(numeric, port));
    co_return failure;
  }
  tcp::resolver resolver(loop);
  const auto found = co_await resolver.async_resolve(address.host, address.port,
                                                     asio::redirect_error(asio::use_awaitable, failure));
  for (const auto& entry : found) endpoints->emplace_back(entry.endpoint());
  co_return failure;
}

}  // namespace

Connection::Connection(asio::any_io_executor loop, std::shared_ptr<Security> security)
    : loop_(std::move(loop)),
      security_(std::move(security)),
      stream_(loop_),
      timer_(loop_),
      buffer_(kMaxBuffer) {
  buffer_.reserve(kReadAtOnce);
}

void Connection::set_deadline(Clock::time_point deadline) {
  const auto number = ++deadlines_;
  timer_.expires_at(deadline);
  timer_.async_wait([weak = weak_from_this(), number](ErrorCode failure) {
    const auto self = weak.lock();
    if (failure || !self || self->deadlines_ != number) return;
    self->expired_ = true;
    ErrorCode ignored;  // the socket is given up either way
    self->stream_.socket().close(ignored);
  });
}

void Connection::clear_deadline() {
  ++deadlines_;
  timer_.cancel();
}

Connection::ErrorCode Connection::settle(ErrorCode failure) const {
  if (expired_ && failure) return asio::error::timed_out;
  // Nothing is lost with it: every message says itself where it ends.
  return failure == asio::ssl::error::stream_truncated ? ErrorCode(beast::http::error::end_of_stream)
                                                       : failure;
}

asio::awaitable<Connection::ErrorCode> Connection::open(Address address) {
  const auto self = shared_from_this();
  std::vector<Endpoint> endpoints;
  ErrorCode failure = co_await resolve(loop_, address, &endpoints);
  if (failure) co_return settle(failure);
  failure = asio::error::host_not_found;
  for (const Endpoint& endpoint : endpoints) {
    if (expired_) break;
    ErrorCode ignored;
    stream_.socket().close(ignored);
    co_await stream_.socket().async_connect(endpoint, asio::redirect_error(asio::use_awaitable, failure));
    if (!failure) break;
  }
  if (!failure && address.unix_path.empty()) {
    ErrorCode ignored;  // either option only makes things better
    stream_.socket().set_option(tcp::no_delay(true), ignored);
    stream_.socket().set_option(asio::socket_base::keep_alive(true), ignored);
  }
  if (!failure && security_) failure = co_await shake_hands(address.host);
  if (expired_) co_return ErrorCode(asio::error::timed_out);
  co_return failure;
}

asio::awaitable<Connection::ErrorCode> Connection::shake_hands(const std::string& host) {
  Stream::Tls& tls = stream_.begin_tls(*security_->context);
  expect_server(tls, security_->options, host, verdict_);
  ErrorCode failure;
  co_await tls.async_handshake(Stream::Tls::client, asio::redirect_error(asio::use_awaitable, failure));
  const std::string& expected = security_->options.name.empty() ? host : security_->options.name;
  if (failure && !expired_) trouble_ = trouble_of(failure, verdict_, expected);
  co_return failure;
}

asio::awaitable<Connection::ErrorCode> Connection::write(std::shared_ptr<const Message> message) {
  const auto self = shared_from_this();
  received_ = 0;
  ErrorCode failure;
  co_await beast::http::async_write(stream_, *message, asio::redirect_error(asio::use_awaitable, failure));
  co_return settle(failure);
}

asio::awaitable<Connection::ErrorCode> Connection::read_head(Parser<beast::http::empty_body>* parser) {
  const auto self = shared_from_this();
  ErrorCode failure;
  const std::size_t size = co_await beast::http::async_read_header(
      stream_, buffer_, *parser, asio::redirect_error(asio::use_awaitable, failure));
  received_ += size + buffer_.size();
  co_return settle(failure);
}

asio::awaitable<Connection::ErrorCode> Connection::read_rest(Parser<beast::http::string_body>* parser) {
  const auto self = shared_from_this();
  ErrorCode failure;
  co_await beast::http::async_read(stream_, buffer_, *parser,
                                   asio::redirect_error(asio::use_awaitable, failure));
  co_return settle(failure);
}

asio::awaitable<Connection::ErrorCode> Connection::read_piece(Parser<beast::http::buffer_body>* parser) {
  const auto self = shared_from_this();
  ErrorCode failure;
  co_await beast::http::async_read_some(stream_, buffer_, *parser,
                                        asio::redirect_error(asio::use_awaitable, failure));
  co_return settle(failure);
}

bool Connection::is_fresh() {
  if (!stream_.socket().is_open() || expired_ || buffer_.size() > 0) return false;
  char byte = 0;
  const auto got = ::recv(stream_.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace hivemind::http
