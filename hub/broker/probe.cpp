#include "hub/broker/probe.h"

#include <string>
#include <string_view>

#include <boost/asio/connect.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "common/error.h"

namespace hivemind::hub {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::string_view_literals;

// MQTT 3.1.1: CONNECT, clean session, keep-alive 10 s, client id "hivemind-probe"; and DISCONNECT.
constexpr std::string_view kConnect = "\x10\x1a\x00\x04MQTT\x04\x02\x00\x0a\x00\x0ehivemind-probe"sv;
constexpr std::string_view kDisconnect = "\xe0\x00"sv;
constexpr char kConnack = 0x20;

std::string numeric_host(const ListenAddress& listen) {
  return listen.host == "localhost" ? "127.0.0.1" : listen.host;
}

asio::awaitable<void> connect(tcp::socket& socket, ListenAddress listen) {
  std::string host = listen.client_host();
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  tcp::resolver resolver(socket.get_executor());
  const auto addresses =
      co_await resolver.async_resolve(host, std::to_string(listen.port), asio::use_awaitable);
  co_await asio::async_connect(socket, addresses, asio::use_awaitable);
}

asio::awaitable<bool> exchange_or_throw(asio::any_io_executor loop, ListenAddress listen) {
  tcp::socket socket(loop);
  co_await connect(socket, std::move(listen));
  co_await asio::async_write(socket, asio::buffer(kConnect), asio::use_awaitable);
  char answer[4] = {};
  co_await asio::async_read(socket, asio::buffer(answer), asio::use_awaitable);
  co_await asio::async_write(socket, asio::buffer(kDisconnect), asio::use_awaitable);
  co_return answer[0] == kConnack;
}

asio::awaitable<bool> connect_or_throw(asio::any_io_executor loop, ListenAddress listen) {
  tcp::socket socket(loop);
  co_await connect(socket, std::move(listen));
  co_return true;
}

// Without exceptions: operator|| would go on and wait for the timer after one.
asio::awaitable<bool> worked(asio::awaitable<bool> attempt) {
  try {
    co_return co_await std::move(attempt);
  } catch (const boost::system::system_error&) {
    co_return false;  // refused or broken off: not yet
  }
}

asio::awaitable<bool> within(asio::any_io_executor loop, asio::awaitable<bool> attempt,
                             std::chrono::milliseconds longest) {
  using asio::experimental::awaitable_operators::operator||;
  asio::steady_timer timer(loop, longest);
  const auto first = co_await (worked(std::move(attempt)) || timer.async_wait(asio::use_awaitable));
  co_return first.index() == 0 && std::get<0>(first);
}

}  // namespace

void require_free(asio::any_io_executor loop, const ListenAddress& listen) {
  boost::system::error_code error;
  const auto address = asio::ip::make_address(numeric_host(listen), error);
  if (error) return;
  const tcp::endpoint endpoint(address, listen.port);
  tcp::acceptor acceptor(loop);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(1, error);
  if (!error) return;
  const std::string where = fmt::format("broker address '{}:{}'", listen.client_host(), listen.port);
  if (error == asio::error::address_in_use) {
    throw Error(
        ErrorCode::kConflict,
        "{} is taken by another process (end it, choose another address with --broker-listen, or use that "
        "broker with --broker-url)",
        where);
  }
  if (error == asio::error::access_denied) {
    throw Error(ErrorCode::kDenied, "{} cannot be used: {} (ports below 1024 are root's)", where,
                error.message());
  }
  throw Error(ErrorCode::kInvalid, "{} cannot be used: {}", where, error.message());
}

asio::awaitable<bool> accepts(asio::any_io_executor loop, ListenAddress listen,
                              std::chrono::milliseconds longest) {
  return within(loop, connect_or_throw(loop, std::move(listen)), longest);
}

asio::awaitable<bool> answers_mqtt(asio::any_io_executor loop, ListenAddress listen,
                                   std::chrono::milliseconds longest) {
  return within(loop, exchange_or_throw(loop, std::move(listen)), longest);
}

}  // namespace hivemind::hub
