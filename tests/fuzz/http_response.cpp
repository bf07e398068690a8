#include <filesystem>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <unistd.h>

#include "common/http/client.h"
#include "tests/fuzz/fuzz.h"

// An HTTP server on a unix socket that answers every request with the input, and then hangs up.
namespace hivemind::tests {
namespace {

namespace asio = boost::asio;
using Protocol = asio::local::stream_protocol;

class Answering {
 public:
  Answering() : path_("/tmp/hivemind-fuzz-" + std::to_string(::getpid())) {
    std::filesystem::remove(path_);
    acceptor_ = std::make_unique<Protocol::acceptor>(loop_, Protocol::endpoint(path_));
  }
  ~Answering() { std::filesystem::remove(path_); }

  void answer(std::string_view bytes) {
    loop_.restart();
    accept(bytes);
    asio::co_spawn(loop_, exchange(bytes.size() % 2 == 0), asio::detached);
    loop_.run();
  }

 private:
  // A client may connect twice: a kept connection that broke is no reason to give up.
  void accept(std::string_view bytes) {
    acceptor_->async_accept([this, bytes](boost::system::error_code failure, Protocol::socket socket) {
      if (failure) return;
      const auto kept = std::make_shared<Protocol::socket>(std::move(socket));
      asio::async_write(*kept, asio::buffer(bytes), [kept](boost::system::error_code, std::size_t) {
        boost::system::error_code ignored;
        kept->shutdown(Protocol::socket::shutdown_send, ignored);
      });
      accept(bytes);
    });
  }

  asio::awaitable<void> exchange(bool whole) {
    http::Client client(loop_.get_executor(), http::Address::parse("unix://" + path_));
    try {
      http::Request request;
      request.target = "/";
      request.timeout = std::chrono::seconds(2);
      std::size_t size = 0;
      http::Response response;
      if (whole) {  // no conditional expression: g++ 12 destroys an awaited temporary of one twice
        response = co_await client.send(std::move(request));
      } else {
        response = co_await client.stream(
            std::move(request), [&](std::string_view piece) { size += piece.size(); },
            std::chrono::seconds(2));
      }
      require(response.status >= 100 && response.status <= 999, "an answer has no status");
      require(size == 0 || response.ok(), "the body of a refusal came as a stream");
    } catch (const Error& error) {
      require(error.code() == ErrorCode::kCorrupt || error.code() == ErrorCode::kUnavailable ||
                  error.code() == ErrorCode::kExhausted,
              "an answer is refused with another code");
    }
    boost::system::error_code ignored;
    acceptor_->cancel(ignored);
  }

  std::string path_;
  asio::io_context loop_{1};
  std::unique_ptr<Protocol::acceptor> acceptor_;
};

}  // namespace
}  // namespace hivemind::tests

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static hivemind::tests::Answering server;
  server.answer(hivemind::tests::text_of(data, size));
  return 0;
}
