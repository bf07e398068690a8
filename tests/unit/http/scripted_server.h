#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include "common/http/client.h"

namespace hivemind::tests {

// What the server does once it has read a request.
struct Reply {
  enum class Then { kKeep, kClose, kHang };

  std::vector<std::string> pieces;  // raw bytes, each written by itself
  Then then = Then::kKeep;

  static Reply ok(const std::string& body);
};

// A server that answers the n-th request it gets with the n-th reply, whatever the connection. It runs on the
// loop of the test; both are on one thread.
class ScriptedServer {
 public:
  ScriptedServer(boost::asio::io_context& loop, const std::filesystem::path& socket,
                 std::vector<Reply> script);
  ~ScriptedServer();

  http::Address address() const;
  std::size_t connections() const;
  const std::vector<std::string>& requests() const;  // heads and bodies as received
  // Closes the connections that wait for a request.
  void close_idle();

 private:
  struct State;
  static boost::asio::awaitable<void> accept(std::shared_ptr<State> state);
  static boost::asio::awaitable<void> serve(
      std::shared_ptr<State> state, std::shared_ptr<boost::asio::local::stream_protocol::socket> socket);

  std::shared_ptr<State> state_;
};

}  // namespace hivemind::tests
