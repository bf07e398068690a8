#include "hub/api/server.h"

#include <charconv>
#include <optional>
#include <set>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include "common/log.h"

namespace hivemind::hub::api {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::milliseconds kAcceptPause{
    100};  // when descriptors ran out, accepting at once fails again

tcp::endpoint endpoint_of(const std::string& listen) {
  const std::size_t colon = listen.rfind(':');
  if (colon == std::string::npos) {
    throw Error(ErrorCode::kInvalid, "listen address '{}' is not of the form HOST:PORT", listen);
  }
  std::string host = listen.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  std::uint16_t port = 0;
  const char* const end = listen.data() + listen.size();
  const auto [stopped, failure] = std::from_chars(listen.data() + colon + 1, end, port);
  error_code bad_host;
  const asio::ip::address address = asio::ip::make_address(host, bad_host);
  if (failure != std::errc() || stopped != end || bad_host) {
    throw Error(ErrorCode::kInvalid,
                "listen address '{}' is not of the form HOST:PORT (HOST is an IP address)", listen);
  }
  return {address, port};
}

std::string_view bearer(std::string_view authorization) {
  constexpr std::string_view kScheme = "Bearer ";
  return authorization.starts_with(kScheme) ? authorization.substr(kScheme.size()) : std::string_view();
}

}  // namespace

class Server::Impl : public std::enable_shared_from_this<Server::Impl> {
 public:
  Impl(asio::any_io_executor loop, ServerOptions options, Callbacks callbacks)
      : options_(std::move(options)), callbacks_(std::move(callbacks)), acceptor_(loop), pause_(loop) {
    const tcp::endpoint endpoint = endpoint_of(options_.listen);
    try {
      acceptor_.open(endpoint.protocol());
      acceptor_.set_option(tcp::acceptor::reuse_address(true));
      acceptor_.bind(endpoint);
      acceptor_.listen();
    } catch (const boost::system::system_error& failure) {
      throw Error(
          failure.code() == asio::error::address_in_use ? ErrorCode::kConflict : ErrorCode::kUnavailable,
          "cannot listen on '{}': {} (choose another address with --listen)", options_.listen,
          failure.code().message());
    }
  }

  void start() {
    asio::co_spawn(acceptor_.get_executor(), accept(shared_from_this()), [](std::exception_ptr) {});
  }

  void stop() {
    stopped_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    for (beast::tcp_stream* stream : open_) stream->close();
  }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  using Parser = http::request_parser<http::string_body>;

  // One client. Known to the server for as long as it lives.
  class Connection {
   public:
    Connection(Impl& impl, tcp::socket socket) : impl_(impl), stream(std::move(socket)) {
      impl_.open_.insert(&stream);
    }
    ~Connection() { impl_.open_.erase(&stream); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

   private:
    Impl& impl_;

   public:
    beast::tcp_stream stream;
    beast::flat_buffer buffer;
  };

  // The coroutines get the server by value: it outlives them, whoever lets go of it first.
  asio::awaitable<void> accept(std::shared_ptr<Impl> self);
  asio::awaitable<void> serve(std::shared_ptr<Impl> self, tcp::socket socket);
  asio::awaitable<bool> exchange(Connection& connection);
  asio::awaitable<Response> answer(Request request);
  asio::awaitable<bool> send(Connection& connection, Response response, bool keep_alive);
  std::optional<Response> refusal(const Parser& parser) const;

  ServerOptions options_;
  Callbacks callbacks_;
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  std::set<beast::tcp_stream*> open_;
  bool stopped_ = false;
};

asio::awaitable<void> Server::Impl::accept(std::shared_ptr<Impl> self) {
  while (!stopped_) {
    error_code failure;
    tcp::socket socket = co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, failure));
    if (failure) {
      pause_.expires_after(kAcceptPause);
      co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, failure));
    } else if (open_.size() < options_.max_connections) {
      asio::co_spawn(acceptor_.get_executor(), serve(self, std::move(socket)), [](std::exception_ptr) {});
    }  // else it is closed: the client is told at once instead of being left waiting
  }
}

asio::awaitable<void> Server::Impl::serve(std::shared_ptr<Impl> self, tcp::socket socket) {
  Connection connection(*self, std::move(socket));
  error_code ignored;
  connection.stream.socket().set_option(tcp::no_delay(true), ignored);
  bool again = true;
  while (again && !stopped_) again = co_await exchange(connection);
  connection.stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
}

// One request and its answer. False: the connection is to be closed.
asio::awaitable<bool> Server::Impl::exchange(Connection& connection) {
  Parser parser;
  parser.header_limit(static_cast<std::uint32_t>(options_.max_header_bytes));
  parser.body_limit(options_.max_body_bytes);
  connection.stream.expires_after(options_.request_timeout);
  error_code failure;
  co_await http::async_read_header(connection.stream, connection.buffer, parser,
                                   asio::redirect_error(asio::use_awaitable, failure));
  if (failure == http::error::header_limit) {
    co_return co_await send(connection, error_response(431, "invalid", "the header is too large"), false);
  }
  if (failure == http::error::body_limit) {  // known from Content-Length already
    co_return co_await send(connection, error_response(413, "invalid", "the body is too large"), false);
  }
  if (failure.category() == make_error_code(http::error::bad_method).category() &&
      failure != http::error::end_of_stream && failure != http::error::partial_message) {
    co_return co_await send(connection, error_response(400, "invalid", failure.message()), false);
  }
  if (failure) co_return false;
  if (std::optional<Response> refused = refusal(parser)) {
    co_return co_await send(connection, std::move(*refused), false);
  }
  co_await http::async_read(connection.stream, connection.buffer, parser,
                            asio::redirect_error(asio::use_awaitable, failure));
  if (failure == http::error::body_limit) {
    co_return co_await send(connection, error_response(413, "invalid", "the body is too large"), false);
  }
  if (failure) co_return false;
  const bool keep_alive = parser.keep_alive();
  const http::request<http::string_body> message = parser.release();
  connection.stream.expires_never();  // the answer takes as long as a long poll may
  Request request;
  std::optional<Response> response;
  try {
    request = Request::parse(std::string_view(message.method_string()), std::string_view(message.target()),
                             message.body());
  } catch (const Error& error) {
    response = error_response(error);
  }
  if (!response) response = co_await answer(std::move(request));
  co_return co_await send(connection, std::move(*response), keep_alive);
}

std::optional<Response> Server::Impl::refusal(const Parser& parser) const {
  const auto& header = parser.get();
  if (callbacks_.is_open(std::string_view(header.target()))) return std::nullopt;
  const std::string_view authorization(header[http::field::authorization]);
  if (callbacks_.authorized(bearer(authorization))) return std::nullopt;
  return error_response(
      401, "denied",
      authorization.empty() ? "a token is needed (Authorization: Bearer …)" : "the token is wrong");
}

asio::awaitable<Response> Server::Impl::answer(Request request) {
  std::optional<Response> failed;
  try {
    co_return co_await callbacks_.respond(std::move(request));
  } catch (const Error& error) {
    failed = error_response(error);
  } catch (const std::exception& error) {
    log::error("api: {}", error.what());
    failed = error_response(500, "internal", error.what());
  }
  co_return std::move(*failed);
}

asio::awaitable<bool> Server::Impl::send(Connection& connection, Response response, bool keep_alive) {
  http::response<http::string_body> message(static_cast<http::status>(response.status), 11);
  message.set(http::field::content_type, response.content_type);
  message.set(http::field::cache_control, "no-store");
  if (response.status == 401) message.set(http::field::www_authenticate, "Bearer");
  if (!response.allow.empty()) message.set(http::field::allow, response.allow);
  message.body() = std::move(response.body);
  message.keep_alive(keep_alive && !stopped_);
  message.prepare_payload();
  connection.stream.expires_after(options_.answer_timeout);
  error_code failure;
  co_await http::async_write(connection.stream, message, asio::redirect_error(asio::use_awaitable, failure));
  co_return !failure && keep_alive;
}

Server::Server(asio::any_io_executor loop, ServerOptions options, Callbacks callbacks)
    : impl_(std::make_shared<Impl>(std::move(loop), std::move(options), std::move(callbacks))) {}

Server::~Server() {
  impl_->stop();
}

void Server::start() {
  impl_->start();
}
void Server::stop() {
  impl_->stop();
}
std::uint16_t Server::port() const {
  return impl_->port();
}

}  // namespace hivemind::hub::api
