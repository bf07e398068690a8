#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "common/error.h"

namespace hivemind::http {

struct Request {
  std::string method = "GET";
  std::string target;  // path and query, already escaped
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;  // sent with Content-Type: application/json unless headers say otherwise
  std::chrono::milliseconds timeout{30'000};  // for the whole exchange; for stream(): until the head has come
};

struct Response {
  unsigned status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  bool ok() const { return status >= 200 && status < 300; }
  // The first header of that name (compared without case), or "".
  std::string_view header(std::string_view name) const;
};

// What an answer that is not ok means to the caller (RFC 9110, 15.5 and 15.6; RFC 6585).
ErrorCode code_of_status(unsigned status);

// "http://HOST:PORT", "https://HOST:PORT", "tcp://HOST:PORT" or "unix:///path". Throws kInvalid.
struct Address {
  std::string host;  // for a unix socket "localhost"
  std::string port;
  std::string unix_path;  // empty: TCP
  bool is_tls = false;
  static Address parse(std::string_view url);
  std::string text() const;  // as parse takes it
};

// Who may vouch for a server.
enum class Trust {
  kSystem,   // the system's store
  kGiven,    // what is given, and nobody else
  kNothing,  // nothing is checked: for what shows by itself that it is right
};

// How a server at an https:// address is known.
struct Tls {
  Trust trust = Trust::kSystem;
  std::string ca_pem{};  // kGiven: certificates, roots or intermediates
  std::string name{};    // that its certificate must carry, and is asked for (SNI); empty: the address's host
};

// HTTP/1.1 over TCP, TLS or a unix socket, with idle connections kept for reuse. Used from one loop thread;
// any number of exchanges may be under way at once, each on a connection of its own. Errors: kUnavailable
// when the other side cannot be reached, is too slow or breaks off; kCorrupt when it does not speak HTTP;
// kExhausted for a body above max_body; kDenied when its certificate is not to be trusted. An answer of any
// status is a value.
class Client {
 public:
  // Throws kInvalid when trust is to be in what is no certificate.
  Client(boost::asio::any_io_executor loop, Address address, Tls tls = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  static constexpr std::size_t kMaxBody = 64u << 20;

  // A request on a kept connection that the other side had closed meanwhile is sent once more on a new one; a
  // POST or PATCH only when it cannot have been received.
  boost::asio::awaitable<Response> send(Request request);

  // For bodies without end (events, pull progress): on_data gets each piece as it comes, when the status is
  // 2xx. Returns at the end of the body; otherwise returns the error's whole body in the response. idle:
  // longest silence between pieces, zero for no limit. Cancelling the coroutine closes the connection.
  boost::asio::awaitable<Response> stream(Request request, std::function<void(std::string_view)> on_data,
                                          std::chrono::milliseconds idle = {});

  // RFC 3986 percent-encoding of all but unreserved characters.
  static std::string escape(std::string_view text);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace hivemind::http
