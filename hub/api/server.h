#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "hub/api/caller.h"
#include "hub/api/message.h"
#include "hub/api/tls.h"

namespace hivemind::hub::api {

struct ServerOptions {
  std::string listen;  // HOST:PORT or [IPV6]:PORT; port 0: any free one
  std::size_t max_header_bytes = 16u << 10;
  std::size_t max_body_bytes = 1u << 20;        // of a secret in Base64, and then some
  std::size_t max_open_body_bytes = 64u << 10;  // where no token is needed: of a request for a certificate
  std::size_t max_connections = 256;
  // Under way at once with one token, from the head that has come until the answer has been taken.
  std::size_t max_requests_of_one = 64;
  // For a handshake, and for a whole request to come in (an idle connection included), and for a whole answer
  // to be taken.
  std::chrono::milliseconds request_timeout{15'000};
  std::chrono::milliseconds answer_timeout{30'000};
};

// HTTP/1.1 over TCP or TLS for operators and their tools.
//
// Requests outside of the open paths need a token, which is looked at before anything of the body is read.
// When there are as many connections as there may be, one on which nobody has shown a token gives way to a
// new one: of the address that has most of them, the oldest; otherwise one that is between two requests. So
// whoever holds a token is served however many others just sit there.
//
// Thread: made and used on the loop thread; respond runs there and may suspend. An Error that it throws
// becomes an answer. The constructor throws kInvalid for an address that is none, kConflict for one in use.
class Server {
 public:
  struct Callbacks {
    // Whose token it is, with the address that the request comes from; nothing: nobody's.
    std::function<std::optional<Caller>(std::string_view token, const std::string& address)> authenticate;
    // Whether he is still to be answered: asked again before each answer, for a token may be revoked
    // meanwhile.
    std::function<bool(const Caller&)> is_good;
    // A token was wrong: how long that address is to wait; nothing: not at all.
    std::function<std::optional<std::chrono::seconds>(const std::string& address)> on_failure;
    std::function<bool(std::string_view method, std::string_view target)> is_open;  // needs no token
    std::function<boost::asio::awaitable<Response>(Request)> respond;
  };

  // tls: null: none.
  Server(boost::asio::any_io_executor loop, ServerOptions options, Callbacks callbacks,
         std::shared_ptr<ServerTls> tls = nullptr);
  // Closes the listening socket and all connections.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void start();
  void stop();
  // Ends at once what is under way for callers that are no longer good.
  void drop_revoked();
  // The one that was bound.
  std::uint16_t port() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace hivemind::hub::api
