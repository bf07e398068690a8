#include "common/http/client.h"

#include <algorithm>
#include <array>

#include <boost/asio/error.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>

#include "common/error.h"
#include "common/http/connection.h"

namespace hivemind::http {

namespace asio = boost::asio;
namespace beast = boost::beast;

namespace {

constexpr std::size_t kMaxKept = 16;
constexpr std::uint32_t kMaxHead = 64u << 10;
constexpr std::size_t kPiece = 16u << 10;

bool is_plain(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

bool has_header(const Request& request, std::string_view name) {
  return std::any_of(request.headers.begin(), request.headers.end(),
                     [name](const auto& header) { return beast::iequals(header.first, name); });
}

// Beast writes what it is given; a line break in a target or header would be a request of someone else's
// making.
void require_plain(const Request& request) {
  const bool plain_headers =
      std::all_of(request.headers.begin(), request.headers.end(),
                  [](const auto& header) { return is_plain(header.first) && is_plain(header.second); });
  const bool plain_target = request.target.starts_with('/') && is_plain(request.target) &&
                            request.target.find(' ') == std::string::npos;
  if (!plain_target)
    throw Error(ErrorCode::kInvalid, "request target '{}' is not an escaped path", request.target);
  if (!plain_headers) throw Error(ErrorCode::kInvalid, "a request header holds a control character");
}

std::string host_header(const Address& address) {
  if (!address.unix_path.empty()) return address.host;
  const std::string text = address.text();
  return text.substr(text.find("://") + 3);
}

std::shared_ptr<const Message> to_message(const Address& address, const Request& request) {
  require_plain(request);
  auto message = std::make_shared<Message>();
  message->version(11);
  message->method_string(request.method);
  message->target(request.target);
  message->set(beast::http::field::host, host_header(address));
  for (const auto& [name, value] : request.headers) message->set(name, value);
  if (!request.body.empty() && !has_header(request, "Content-Type")) {
    message->set(beast::http::field::content_type, "application/json");
  }
  message->body() = request.body;
  message->prepare_payload();
  return message;
}

// RFC 9110, 9.2.2: what may be done twice.
bool is_idempotent(std::string_view method) {
  return method != "POST" && method != "PATCH";
}

ErrorCode code_of(const boost::system::error_code& failure) {
  using beast::http::error;
  if (failure == error::body_limit) return ErrorCode::kExhausted;
  if (failure == error::end_of_stream || failure == error::partial_message) return ErrorCode::kUnavailable;
  const bool is_http = failure.category() == beast::http::make_error_code(error::bad_version).category();
  return is_http ? ErrorCode::kCorrupt : ErrorCode::kUnavailable;
}

std::string words_of(const boost::system::error_code& failure, std::chrono::milliseconds timeout) {
  using beast::http::error;
  if (failure == asio::error::timed_out) return fmt::format("no answer within {} ms", timeout.count());
  if (failure == asio::error::operation_aborted) return "abandoned";
  if (failure == error::end_of_stream) return "the other side closed the connection without an answer";
  if (failure == error::partial_message) return "the other side broke off in the midst of its answer";
  if (failure == error::body_limit) return fmt::format("the answer has more than {} bytes", Client::kMaxBody);
  if (code_of(failure) == ErrorCode::kCorrupt) return "the answer is not HTTP: " + failure.message();
  return failure.message();
}

template <typename Head>
Response head_of(const Head& head) {
  Response response;
  response.status = head.result_int();
  // RFC 9110, 15: what is below is no status; the parser takes any three digits.
  if (response.status < 100)
    throw Error(ErrorCode::kCorrupt, "the answer is not HTTP: its status is {}", response.status);
  for (const auto& field : head) response.headers.emplace_back(field.name_string(), field.value());
  return response;
}

}  // namespace

// Its coroutines own it, so that a client may go while an exchange is under way.
class Client::Impl {
 public:
  Impl(asio::any_io_executor loop, Address address, Tls tls)
      : loop_(std::move(loop)),
        address_(std::move(address)),
        security_(address_.is_tls ? std::make_shared<Security>(std::move(tls)) : nullptr) {}

  static asio::awaitable<Response> send(std::shared_ptr<Impl> self, Request request);
  static asio::awaitable<Response> stream(std::shared_ptr<Impl> self, Request request,
                                          std::function<void(std::string_view)> on_data,
                                          std::chrono::milliseconds idle);

 private:
  using Head = Parser<beast::http::empty_body>;
  using ConnectionPtr = std::shared_ptr<Connection>;

  asio::awaitable<ConnectionPtr> begin(Request request, Head* head);
  asio::awaitable<Response> finish(ConnectionPtr connection, Request request, Head* head);
  asio::awaitable<void> pump(ConnectionPtr connection, Request request, Head* head,
                             std::function<void(std::string_view)> on_data, std::chrono::milliseconds idle);
  asio::awaitable<ConnectionPtr> open(Request request, Connection::Clock::time_point deadline);
  ConnectionPtr take_kept();
  void keep(ConnectionPtr connection, bool keep_alive);
  [[noreturn]] void fail(const Request& request, const boost::system::error_code& failure,
                         std::chrono::milliseconds timeout) const;

  asio::any_io_executor loop_;
  Address address_;
  std::shared_ptr<Security> security_;  // null: no TLS
  std::vector<ConnectionPtr> kept_;     // the newest last
};

void Client::Impl::fail(const Request& request, const boost::system::error_code& failure,
                        std::chrono::milliseconds timeout) const {
  // A server of TLS answers with an alert, a few bytes that are no HTTP, and hangs up.
  const bool is_odd =
      code_of(failure) == ErrorCode::kCorrupt || failure == beast::http::error::partial_message;
  const bool may_be_tls = is_odd && !address_.is_tls && address_.unix_path.empty();
  throw Error(code_of(failure), "'{}': {} {}: {}{}", address_.text(), request.method,
              request.target.substr(0, request.target.find('?')), words_of(failure, timeout),
              may_be_tls ? " (is it 'https://' instead of 'http://'?)" : "");
}

Client::Impl::ConnectionPtr Client::Impl::take_kept() {
  while (!kept_.empty()) {
    const ConnectionPtr connection = std::move(kept_.back());
    kept_.pop_back();
    if (connection->is_fresh()) return connection;
  }
  return nullptr;
}

void Client::Impl::keep(ConnectionPtr connection, bool keep_alive) {
  connection->clear_deadline();
  if (keep_alive && kept_.size() < kMaxKept && connection->is_fresh()) kept_.push_back(std::move(connection));
}

asio::awaitable<Client::Impl::ConnectionPtr> Client::Impl::open(Request request,
                                                                Connection::Clock::time_point deadline) {
  const auto connection = std::make_shared<Connection>(loop_, security_);
  connection->set_deadline(deadline);
  const auto failure = co_await connection->open(address_);
  if (failure && connection->trouble()) {
    throw Error(connection->trouble()->code, "'{}': {}", address_.text(), connection->trouble()->text);
  }
  if (failure) {
    throw Error(ErrorCode::kUnavailable, "'{}': cannot connect: {}", address_.text(),
                words_of(failure, request.timeout));
  }
  co_return connection;
}

// Sends the request and returns the connection that the head of the answer has come by.
asio::awaitable<Client::Impl::ConnectionPtr> Client::Impl::begin(Request request, Head* head) {
  const auto message = to_message(address_, request);
  const auto deadline = Connection::Clock::now() + request.timeout;
  if (const auto connection = take_kept()) {
    connection->set_deadline(deadline);
    auto failure = co_await connection->write(message);
    const bool is_sent = !failure;
    if (is_sent) failure = co_await connection->read_head(head);
    if (!failure) co_return connection;
    // It was closed between the look at it and the writing. The others will be no better.
    const bool may_repeat = !connection->has_received() && failure != asio::error::timed_out &&
                            failure != asio::error::operation_aborted &&
                            (!is_sent || is_idempotent(request.method));
    if (!may_repeat) fail(request, failure, request.timeout);
    kept_.clear();
  }
  const auto connection = co_await open(request, deadline);
  auto failure = co_await connection->write(message);
  if (!failure) failure = co_await connection->read_head(head);
  if (failure) fail(request, failure, request.timeout);
  co_return connection;
}

asio::awaitable<Response> Client::Impl::finish(ConnectionPtr connection, Request request, Head* head) {
  const auto length = head->content_length();
  if (length && *length > kMaxBody) fail(request, beast::http::error::body_limit, request.timeout);
  Response response = head_of(head->get());
  Parser<beast::http::string_body> parser(std::move(*head));
  parser.eager(true);
  parser.body_limit(kMaxBody);
  if (!parser.is_done()) {
    const auto failure = co_await connection->read_rest(&parser);
    if (failure) fail(request, failure, request.timeout);
  }
  response.body = std::move(parser.get().body());
  // After an interim answer (1xx) another would come: such a connection is not used again.
  keep(connection, parser.get().keep_alive() && response.status >= 200);
  co_return response;
}

asio::awaitable<void> Client::Impl::pump(ConnectionPtr connection, Request request, Head* head,
                                         std::function<void(std::string_view)> on_data,
                                         std::chrono::milliseconds idle) {
  Parser<beast::http::buffer_body> parser(std::move(*head));
  // An eager parser would sit on a piece until the head of the next chunk has come.
  parser.eager(false);
  parser.body_limit(boost::none);
  std::vector<char> piece(kPiece);
  connection->clear_deadline();
  on_data({});
  while (!parser.is_done()) {
    auto& body = parser.get().body();
    body.data = piece.data();
    body.size = piece.size();
    body.more = true;
    if (idle.count() > 0) connection->set_deadline(Connection::Clock::now() + idle);
    const auto failure = co_await connection->read_piece(&parser);
    const std::size_t size = piece.size() - parser.get().body().size;
    if (size > 0) on_data(std::string_view(piece.data(), size));
    if (failure && failure != beast::http::error::need_buffer) fail(request, failure, idle);
  }
  keep(connection, parser.get().keep_alive());
}

asio::awaitable<Response> Client::Impl::send(std::shared_ptr<Impl> self, Request request) {
  Head head;
  head.header_limit(kMaxHead);
  head.body_limit(boost::none);
  head.skip(request.method == "HEAD");
  const auto connection = co_await self->begin(request, &head);
  co_return co_await self->finish(connection, std::move(request), &head);
}

asio::awaitable<Response> Client::Impl::stream(std::shared_ptr<Impl> self, Request request,
                                               std::function<void(std::string_view)> on_data,
                                               std::chrono::milliseconds idle) {
  Head head;
  head.header_limit(kMaxHead);
  head.body_limit(boost::none);
  const auto connection = co_await self->begin(request, &head);
  const unsigned status = head.get().result_int();
  if (status < 200 || status > 299) co_return co_await self->finish(connection, std::move(request), &head);
  Response response = head_of(head.get());
  co_await self->pump(connection, std::move(request), &head, std::move(on_data), idle);
  co_return response;
}

std::string_view Response::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (beast::iequals(key, name)) return value;
  }
  return {};
}

ErrorCode code_of_status(unsigned status) {
  switch (status) {
    case 400:
    case 413:  // too large a body
    case 431:  // too large a header
      return ErrorCode::kInvalid;
    case 401:
    case 403:
    case 429:  // of who asks too often: refused for a while
      return ErrorCode::kDenied;
    case 404:
      return ErrorCode::kNotFound;
    case 409:
      return ErrorCode::kConflict;
    case 502:
    case 503:
    case 504:
      return ErrorCode::kUnavailable;
    default:
      return ErrorCode::kInternal;
  }
}

Client::Client(asio::any_io_executor loop, Address address, Tls tls)
    : impl_(std::make_shared<Impl>(std::move(loop), std::move(address), std::move(tls))) {}

Client::~Client() = default;

asio::awaitable<Response> Client::send(Request request) {
  return Impl::send(impl_, std::move(request));
}

asio::awaitable<Response> Client::stream(Request request, std::function<void(std::string_view)> on_data,
                                         std::chrono::milliseconds idle) {
  return Impl::stream(impl_, std::move(request), std::move(on_data), idle);
}

std::string Client::escape(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const unsigned char c : text) {
    const bool is_unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                               c == '-' || c == '.' || c == '_' || c == '~';
    if (is_unreserved) {
      out += static_cast<char>(c);
    } else {
      out += '%';
      out += kDigits[c >> 4];
      out += kDigits[c & 15];
    }
  }
  return out;
}

}  // namespace hivemind::http
