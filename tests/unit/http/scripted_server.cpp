#include "tests/unit/http/scripted_server.h"

#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace hivemind::tests {

namespace asio = boost::asio;
using Protocol = asio::local::stream_protocol;

struct ScriptedServer::State {
  State(asio::io_context& io, const std::filesystem::path& path, std::vector<Reply> replies)
      : loop(io), acceptor(io, Protocol::endpoint(path.string())), script(std::move(replies)) {}

  asio::io_context& loop;
  Protocol::acceptor acceptor;
  std::vector<Reply> script;
  std::vector<std::string> requests;
  std::vector<std::shared_ptr<Protocol::socket>> sockets;
};

namespace {

std::size_t length_of_body(const std::string& head) {
  const auto at = head.find("Content-Length: ");
  return at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
}

bool is_whole(const std::string& received) {
  const auto end = received.find("\r\n\r\n");
  return end != std::string::npos && received.size() >= end + 4 + length_of_body(received.substr(0, end));
}

}  // namespace

Reply Reply::ok(const std::string& body) {
  return {{"HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body}};
}

ScriptedServer::ScriptedServer(asio::io_context& loop, const std::filesystem::path& socket,
                               std::vector<Reply> script)
    : state_(std::make_shared<State>(loop, socket, std::move(script))) {
  asio::co_spawn(loop, accept(state_), asio::detached);
}

ScriptedServer::~ScriptedServer() {
  state_->acceptor.close();
  close_idle();
}

http::Address ScriptedServer::address() const {
  return http::Address::parse("unix://" + state_->acceptor.local_endpoint().path());
}

std::size_t ScriptedServer::connections() const {
  return state_->sockets.size();
}

const std::vector<std::string>& ScriptedServer::requests() const {
  return state_->requests;
}

void ScriptedServer::close_idle() {
  for (const auto& socket : state_->sockets) socket->close();
}

asio::awaitable<void> ScriptedServer::accept(std::shared_ptr<State> state) {
  for (;;) {
    boost::system::error_code failure;
    auto socket = std::make_shared<Protocol::socket>(state->loop);
    co_await state->acceptor.async_accept(*socket, asio::redirect_error(asio::use_awaitable, failure));
    if (failure) co_return;
    state->sockets.push_back(socket);
    asio::co_spawn(state->loop, serve(state, socket), asio::detached);
  }
}

asio::awaitable<void> ScriptedServer::serve(std::shared_ptr<State> state,
                                            std::shared_ptr<Protocol::socket> socket) {
  for (;;) {
    boost::system::error_code failure;
    std::string received;
    while (!failure && !is_whole(received)) {
      char bytes[4096];
      const auto size = co_await socket->async_read_some(asio::buffer(bytes),
                                                         asio::redirect_error(asio::use_awaitable, failure));
      received.append(bytes, size);
    }
    if (failure || state->requests.size() >= state->script.size()) break;
    const Reply reply = state->script[state->requests.size()];
    state->requests.push_back(received);
    for (const std::string& piece : reply.pieces) {
      co_await asio::async_write(*socket, asio::buffer(piece),
                                 asio::redirect_error(asio::use_awaitable, failure));
    }
    if (reply.then == Reply::Then::kHang) {
      char byte = 0;
      co_await socket->async_read_some(asio::buffer(&byte, 1),
                                       asio::redirect_error(asio::use_awaitable, failure));
    }
    if (reply.then != Reply::Then::kKeep) break;
  }
  boost::system::error_code ignored;
  socket->close(ignored);
}

}  // namespace hivemind::tests
