#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "hub/api/message.h"

namespace hivemind::hub::api {

struct ServerOptions {
  std::string listen;  // HOST:PORT or [IPV6]:PORT; port 0: any free one
  std::size_t max_header_bytes = 16u << 10;
  std::size_t max_body_bytes = 64u << 10;
  std::size_t max_connections = 256;
  // For a whole request to come in (an idle connection included), and for a whole answer to be taken.
  std::chrono::milliseconds request_timeout{15'000};
  std::chrono::milliseconds answer_timeout{30'000};
};

// HTTP/1.1 over TCP for operators and their tools.
//
// Requests outside of the open paths need a token, which is looked at before anything of the body is read.
// Thread: made and used on the loop thread; respond runs there and may suspend. An Error that it throws
// becomes an answer. The constructor throws kInvalid for an address that is none, kConflict for one in use.
class Server {
 public:
  struct Callbacks {
    std::function<bool(std::string_view token)> authorized;
    std::function<bool(std::string_view target)> is_open;  // needs no token
    std::function<boost::asio::awaitable<Response>(Request)> respond;
  };

  Server(boost::asio::any_io_executor loop, ServerOptions options, Callbacks callbacks);
  // Closes the listening socket and all connections.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void start();
  void stop();
  // The one that was bound.
  std::uint16_t port() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace hivemind::hub::api
