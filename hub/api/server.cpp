#include "hub/api/server.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <fmt/chrono.h>
#include <sys/socket.h>

#include "common/http/stream.h"
#include "common/log.h"

namespace hivemind::hub::api {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
using boost::system::error_code;
using hivemind::http::Stream;

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

std::string address_of(const tcp::socket& socket) {
  error_code failure;
  const tcp::endpoint endpoint = socket.remote_endpoint(failure);
  return failure ? std::string() : endpoint.address().to_string();
}

Response too_large() {
  return error_response(413, "invalid", "the body is too large");
}

Response too_many(const Caller& caller) {
  Response response = error_response(
      429, "exhausted",
      fmt::format("token '{}' has too many requests under way already (wait for some)", caller.name));
  response.retry_after = std::chrono::seconds(1);
  return response;
}

// RFC 9110, 5.6.7. A machine without a clock of its own learns the time from it when it is enrolled.
std::string http_date() {
  return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(std::time(nullptr)));
}

}  // namespace

class Server::Impl : public std::enable_shared_from_this<Server::Impl> {
 public:
  Impl(asio::any_io_executor loop, ServerOptions options, Callbacks callbacks, std::shared_ptr<ServerTls> tls)
      : options_(std::move(options)),
        callbacks_(std::move(callbacks)),
        tls_(std::move(tls)),
        acceptor_(loop),
        pause_(loop) {
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
    for (Connection* connection : open_) connection->close();
  }

  void drop_revoked() {
    for (Connection* connection : open_) {
      if (connection->is_trusted && !callbacks_.is_good(connection->caller)) connection->close();
    }
  }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  using Parser = http::request_parser<http::string_body>;

  // One client. Known to the server for as long as it lives.
  class Connection {
   public:
    Connection(Impl& impl, tcp::socket socket, std::string from)
        : address(std::move(from)),
          number(++impl.accepted_),
          contexts(impl.tls_ ? impl.tls_->current() : nullptr),
          stream(Stream::Socket(std::move(socket))),
          impl_(impl),
          timer_(stream.get_executor()) {
      impl_.open_.insert(this);
    }
    ~Connection() { impl_.open_.erase(this); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void expires_after(std::chrono::milliseconds time) {
      timer_.expires_after(time);
      timer_.async_wait([this, alive = std::weak_ptr<int>(alive_)](error_code failure) {
        if (!failure && !alive.expired() && timer_.expiry() <= std::chrono::steady_clock::now()) close();
      });
    }
    void expires_never() { timer_.expires_at(std::chrono::steady_clock::time_point::max()); }

    void close() {
      is_closed = true;
      error_code ignored;
      stream.socket().close(ignored);
    }

    // Nobody has shown a token on it, or nothing is under way: another client may take its place.
    bool may_give_way() const { return !is_closed && !is_answering && !(is_trusted && is_asking); }

    const std::string address;                            // of the client
    const std::uint64_t number;                           // in the order of coming
    const std::shared_ptr<ServerTls::Contexts> contexts;  // outlives the stream
    Stream stream;
    beast::flat_buffer buffer;
    Caller caller;              // of the last request that showed a token
    bool is_trusted = false;    // there was such a request
    bool is_asking = false;     // a request's head has come, and its answer has not been taken
    bool is_answering = false;  // respond is at it
    bool is_closed = false;

   private:
    Impl& impl_;
    asio::steady_timer timer_;
    std::shared_ptr<int> alive_ = std::make_shared<int>();  // for the timer's handler
  };

  // One request of a token, from its head until its answer has been taken. It outlives no server.
  class Place {
   public:
    Place(Impl& impl, const Caller& caller) : impl_(impl), key_(caller.name + '/' + caller.token_id) {
      ++impl_.under_way_[key_];
    }
    ~Place() {
      if (--impl_.under_way_[key_] == 0) impl_.under_way_.erase(key_);
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    bool is_one_too_many() const { return impl_.under_way_[key_] > impl_.options_.max_requests_of_one; }

   private:
    Impl& impl_;
    std::string key_;
  };

  // The coroutines get the server by value: it outlives them, whoever lets go of it first.
  asio::awaitable<void> accept(std::shared_ptr<Impl> self);
  asio::awaitable<void> serve(std::shared_ptr<Impl> self, tcp::socket socket, std::string address);
  asio::awaitable<bool> secure(Connection& connection);
  asio::awaitable<bool> exchange(Connection& connection);
  asio::awaitable<bool> take(Connection& connection, Parser& parser);
  asio::awaitable<bool> read_head(Connection& connection, Parser& parser);
  asio::awaitable<Response> answer(Connection& connection, Request request);
  asio::awaitable<Response> respond(Connection& connection, Request request);
  asio::awaitable<bool> send(Connection& connection, Response response, bool keep_alive);
  asio::awaitable<void> say_goodbye(Connection& connection);
  std::optional<Response> refusal(Parser& parser, Connection& connection);
  Response failed(const std::string& address, Response response);
  bool make_room();

  ServerOptions options_;
  Callbacks callbacks_;
  std::shared_ptr<ServerTls> tls_;  // null: none
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  std::set<Connection*> open_;
  std::map<std::string, std::size_t> under_way_;  // requests, by token
  std::uint64_t accepted_ = 0;
  bool stopped_ = false;
};

asio::awaitable<void> Server::Impl::accept(std::shared_ptr<Impl> self) {
  while (!stopped_) {
    error_code failure;
    tcp::socket socket = co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, failure));
    if (failure) {
      pause_.expires_after(kAcceptPause);
      co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, failure));
    } else if (make_room()) {
      std::string address = address_of(socket);
      asio::co_spawn(acceptor_.get_executor(), serve(self, std::move(socket), std::move(address)),
                     [](std::exception_ptr) {});
    }  // else it is closed: the client is told at once instead of being left waiting
  }
}

// For one connection more. False: all that there are have somebody at work on them who has a token.
bool Server::Impl::make_room() {
  std::size_t count = 0;
  std::map<std::string_view, std::size_t> strangers;  // by address
  for (const Connection* connection : open_) {
    count += connection->is_closed ? 0 : 1;
    if (connection->may_give_way() && !connection->is_trusted) ++strangers[connection->address];
  }
  if (count < options_.max_connections) return true;
  const auto rank = [&](const Connection* connection) {
    const std::size_t crowd = connection->is_trusted ? 0 : strangers[connection->address];
    return std::pair(crowd, ~connection->number);  // the oldest of the greatest crowd
  };
  Connection* least = nullptr;
  for (Connection* connection : open_) {
    if (connection->may_give_way() && (least == nullptr || rank(connection) > rank(least)))
      least = connection;
  }
  if (least == nullptr) return false;
  least->close();
  return true;
}

asio::awaitable<void> Server::Impl::serve(std::shared_ptr<Impl> self, tcp::socket socket,
                                          std::string address) {
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  Connection connection(*self, std::move(socket), std::move(address));
  connection.expires_after(options_.request_timeout);
  bool again = !tls_ || co_await secure(connection);
  while (again && !stopped_) again = co_await exchange(connection);
  co_await say_goodbye(connection);
}

// The handshake; who speaks plain HTTP is told so.
asio::awaitable<bool> Server::Impl::secure(Connection& connection) {
  constexpr char kHandshake = 0x16;  // RFC 8446, 5.1
  error_code failure;
  co_await connection.stream.socket().async_wait(Stream::Socket::wait_read,
                                                 asio::redirect_error(asio::use_awaitable, failure));
  char first = 0;
  if (failure ||
      ::recv(connection.stream.socket().native_handle(), &first, 1, MSG_PEEK | MSG_DONTWAIT) != 1) {
    co_return false;
  }
  if (first != kHandshake) {
    Parser parser;
    if (co_await read_head(connection, parser)) {
      co_await send(
          connection,
          error_response(400, "invalid", "this port speaks TLS only (use https:// instead of http://)"),
          false);
    }
    co_return false;
  }
  Stream::Tls& tls = connection.stream.begin_tls(ServerTls::default_of(*connection.contexts));
  co_await tls.async_handshake(Stream::Tls::server, asio::redirect_error(asio::use_awaitable, failure));
  co_return !failure;
}

// False: what there was to say to it has been said.
asio::awaitable<bool> Server::Impl::read_head(Connection& connection, Parser& parser) {
  parser.header_limit(static_cast<std::uint32_t>(options_.max_header_bytes));
  parser.body_limit(options_.max_body_bytes);
  connection.expires_after(options_.request_timeout);
  error_code failure;
  co_await http::async_read_header(connection.stream, connection.buffer, parser,
                                   asio::redirect_error(asio::use_awaitable, failure));
  if (!failure) co_return true;
  if (failure == http::error::header_limit) {
    co_await send(connection, error_response(431, "invalid", "the header is too large"), false);
  } else if (failure == http::error::body_limit) {  // known from Content-Length already
    co_await send(connection, too_large(), false);
  } else if (failure.category() == make_error_code(http::error::bad_method).category() &&
             failure != http::error::end_of_stream && failure != http::error::partial_message) {
    co_await send(connection, error_response(400, "invalid", failure.message()), false);
  }
  co_return false;
}

// One request and its answer. False: the connection is to be closed.
asio::awaitable<bool> Server::Impl::exchange(Connection& connection) {
  Parser parser;
  connection.is_asking = false;
  if (!co_await read_head(connection, parser)) co_return false;
  if (std::optional<Response> refused = refusal(parser, connection)) {
    co_return co_await send(connection, std::move(*refused), false);
  }
  std::optional<Place> place;
  if (connection.is_trusted) {
    place.emplace(*this, connection.caller);
    if (place->is_one_too_many()) co_return co_await send(connection, too_many(connection.caller), false);
  }
  co_return co_await take(connection, parser);
}

// The body, and what is answered to the whole.
asio::awaitable<bool> Server::Impl::take(Connection& connection, Parser& parser) {
  connection.is_asking = true;
  error_code failure;
  co_await http::async_read(connection.stream, connection.buffer, parser,
                            asio::redirect_error(asio::use_awaitable, failure));
  if (failure == http::error::body_limit) co_return co_await send(connection, too_large(), false);
  if (failure) co_return false;
  const bool keep_alive = parser.keep_alive();
  const http::request<http::string_body> message = parser.release();
  connection.expires_never();  // the answer takes as long as a long poll may
  Request request;
  std::optional<Response> response;
  try {
    request = Request::parse(std::string_view(message.method_string()), std::string_view(message.target()),
                             message.body());
  } catch (const Error& error) {
    response = error_response(error);
  }
  request.caller = connection.caller;
  if (!response) response = co_await answer(connection, std::move(request));
  co_return co_await send(connection, std::move(*response), keep_alive);
}

// Nothing, and the connection knows whose request it is, when it may go on.
std::optional<Response> Server::Impl::refusal(Parser& parser, Connection& connection) {
  const auto& header = parser.get();
  connection.caller = Caller{};
  connection.caller.address = connection.address;
  if (callbacks_.is_open(std::string_view(header.method_string()), std::string_view(header.target()))) {
    connection.is_trusted = false;
    if (parser.content_length().value_or(0) > options_.max_open_body_bytes) return too_large();
    parser.body_limit(options_.max_open_body_bytes);  // of one that does not say how much will come
    return std::nullopt;
  }
  const std::string_view authorization(header[http::field::authorization]);
  if (std::optional<Caller> known = callbacks_.authenticate(bearer(authorization), connection.address)) {
    connection.caller = std::move(*known);
    connection.is_trusted = true;
    return std::nullopt;
  }
  connection.is_trusted = false;
  if (authorization.empty())
    return error_response(401, "denied", "a token is needed (Authorization: Bearer …)");
  return failed(connection.address, error_response(401, "denied", "the token is wrong"));
}

Response Server::Impl::failed(const std::string& address, Response response) {
  const std::optional<std::chrono::seconds> wait = callbacks_.on_failure(address);
  if (!wait) return response;
  response = error_response(
      429, "denied", fmt::format("too many wrong tokens from '{}' (wait {} s)", address, wait->count()));
  response.retry_after = *wait;
  return response;
}

asio::awaitable<Response> Server::Impl::answer(Connection& connection, Request request) {
  const Caller caller = request.caller;
  if (!connection.is_trusted) {
    Response response = co_await respond(connection, std::move(request));
    co_return response.status == 401 ? failed(connection.address, std::move(response)) : std::move(response);
  }
  Response response = co_await respond(connection, std::move(request));
  if (!response.ends_caller && !callbacks_.is_good(caller))
    co_return error_response(401, "denied", "the token is good no more");
  co_return response;
}

asio::awaitable<Response> Server::Impl::respond(Connection& connection, Request request) {
  connection.is_answering = true;
  std::optional<Response> response;
  try {
    response = co_await callbacks_.respond(std::move(request));
  } catch (const Error& error) {
    response = error_response(error);
  } catch (const std::exception& error) {
    log::error("api: {}", error.what());
    response = error_response(500, "internal", error.what());
  }
  connection.is_answering = false;
  co_return std::move(*response);
}

asio::awaitable<bool> Server::Impl::send(Connection& connection, Response response, bool keep_alive) {
  http::response<http::string_body> message(static_cast<http::status>(response.status), 11);
  message.set(http::field::content_type, response.content_type);
  message.set(http::field::cache_control, "no-store");
  message.set(http::field::date, http_date());
  if (response.status == 401) message.set(http::field::www_authenticate, "Bearer");
  if (!response.allow.empty()) message.set(http::field::allow, response.allow);
  if (response.retry_after)
    message.set(http::field::retry_after, std::to_string(response.retry_after->count()));
  message.body() = std::move(response.body);
  message.keep_alive(keep_alive && !stopped_);
  message.prepare_payload();
  connection.expires_after(options_.answer_timeout);
  error_code failure;
  co_await http::async_write(connection.stream, message, asio::redirect_error(asio::use_awaitable, failure));
  co_return !failure && keep_alive;
}

// What the client still sends is read for a while: a socket that is closed with something unread takes the
// answer back that says why.
asio::awaitable<void> Server::Impl::say_goodbye(Connection& connection) {
  constexpr std::chrono::seconds kPatience{1};
  connection.is_asking = false;  // from now on it gives way first
  connection.is_trusted = false;
  if (connection.is_closed) co_return;
  connection.expires_after(kPatience);
  error_code failure;
  if (connection.stream.tls() != nullptr)
    co_await connection.stream.tls()->async_shutdown(asio::redirect_error(asio::use_awaitable, failure));
  Stream::Socket& socket = connection.stream.socket();
  socket.shutdown(Stream::Socket::shutdown_send, failure);
  std::array<char, 16u << 10> unread;
  for (std::size_t left = options_.max_body_bytes; !failure && left > 0;) {
    const std::size_t size = co_await socket.async_read_some(
        asio::buffer(unread), asio::redirect_error(asio::use_awaitable, failure));
    left -= std::min(left, size);
  }
}

Server::Server(asio::any_io_executor loop, ServerOptions options, Callbacks callbacks,
               std::shared_ptr<ServerTls> tls)
    : impl_(std::make_shared<Impl>(std::move(loop), std::move(options), std::move(callbacks),
                                   std::move(tls))) {}

Server::~Server() {
  impl_->stop();
}

void Server::start() {
  impl_->start();
}
void Server::stop() {
  impl_->stop();
}
void Server::drop_revoked() {
  impl_->drop_revoked();
}
std::uint16_t Server::port() const {
  return impl_->port();
}

}  // namespace hivemind::hub::api
