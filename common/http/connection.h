#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "common/http/client.h"
#include "common/http/stream.h"
#include "common/http/tls.h"

namespace hivemind::http {

using Message = boost::beast::http::request<boost::beast::http::string_body>;
template <typename Body>
using Parser = boost::beast::http::response_parser<Body>;

// What the connections of a client to an https:// address have in common.
struct Security {
  explicit Security(Tls wanted) : options(std::move(wanted)), context(make_context(options)) {}
  Tls options;
  std::shared_ptr<TlsContext> context;
};

// One connection with one deadline. When the deadline passes, the socket is closed and the operation under
// way ends with the error timed_out. Thread: the loop thread. Owned by the exchange that uses it, or kept by
// the client.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Clock = std::chrono::steady_clock;
  using ErrorCode = boost::system::error_code;

  // security: null: no TLS.
  Connection(boost::asio::any_io_executor loop, std::shared_ptr<Security> security);

  void set_deadline(Clock::time_point deadline);
  void clear_deadline();

  // With TLS the handshake included.
  boost::asio::awaitable<ErrorCode> open(Address address);
  // Of an open() that failed.
  const std::optional<TlsTrouble>& trouble() const { return trouble_; }
  boost::asio::awaitable<ErrorCode> write(std::shared_ptr<const Message> message);

  // The parsers outlive the call: they are locals of the coroutine that awaits it.
  boost::asio::awaitable<ErrorCode> read_head(Parser<boost::beast::http::empty_body>* parser);
  boost::asio::awaitable<ErrorCode> read_rest(Parser<boost::beast::http::string_body>* parser);
  boost::asio::awaitable<ErrorCode> read_piece(Parser<boost::beast::http::buffer_body>* parser);

  // Whether the answer to the request under way had begun.
  bool has_received() const { return received_ > 0; }
  // An idle connection is fit for another exchange when the other side has neither closed it nor sent
  // anything.
  bool is_fresh();

 private:
  ErrorCode settle(ErrorCode failure) const;
  boost::asio::awaitable<ErrorCode> shake_hands(const std::string& host);

  boost::asio::any_io_executor loop_;
  std::shared_ptr<Security> security_;
  Verdict verdict_;
  std::optional<TlsTrouble> trouble_;
  Stream stream_;
  boost::asio::steady_timer timer_;
  boost::beast::flat_buffer buffer_;
  std::size_t received_ = 0;
  std::uint64_t deadlines_ = 0;  // tells a deadline that fired from one that was replaced meanwhile
  bool expired_ = false;
};

}  // namespace hivemind::http
