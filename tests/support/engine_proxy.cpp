#include "tests/support/engine_proxy.h"

#include <cctype>
#include <future>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include "common/http/client.h"

namespace hivemind::tests {

namespace asio = boost::asio;
namespace http_protocol = boost::beast::http;
using Local = asio::local::stream_protocol;
using Failure = boost::system::error_code;

namespace {

// "/v1.41/info" -> "/info"
std::string without_version(const std::string& target) {
  const auto end = target.find('/', 1);
  const bool has_version =
      target.size() > 2 && target[1] == 'v' && std::isdigit(static_cast<unsigned char>(target[2])) != 0;
  return has_version && end != std::string::npos ? target.substr(end) : target;
}

}  // namespace

class EngineProxy::Impl {
 public:
  Impl(std::filesystem::path socket, const std::string& engine)
      : socket_(std::move(socket)), engine_(http::Address::parse(engine)), acceptor_(loop_) {
    listen();
    thread_ = std::thread([this] { loop_.run(); });
  }

  ~Impl() {
    on_loop([this] { refuse(); });
    loop_.stop();
    thread_.join();
  }

  // Runs it on the proxy's thread and waits for its end.
  void on_loop(std::function<void()> task) {
    std::promise<void> done;
    asio::post(loop_, [&] {
      try {
        task();
        done.set_value();
      } catch (...) {
        done.set_exception(std::current_exception());
      }
    });
    done.get_future().get();
  }

  void listen() {
    if (acceptor_.is_open()) return;
    std::filesystem::remove(socket_);
    acceptor_ = Local::acceptor(loop_, Local::endpoint(socket_.string()));
    asio::co_spawn(loop_, accept_all(), asio::detached);
  }

  void refuse() {
    Failure ignored;
    acceptor_.close(ignored);
    std::filesystem::remove(socket_);
    for (const auto& pair : pairs_) pair->close();
    pairs_.clear();
  }

  const std::filesystem::path& socket() const { return socket_; }

  mutable std::mutex mutex;  // guards what follows
  std::vector<EngineRequest> requests;
  Interceptor interceptor;
  int writes_until_break = 0;
  int writes_since = 0;
  Moment moment = Moment::kBeforeWrite;
  std::function<void()> at_break;
  std::chrono::milliseconds delay{0};

 private:
  struct Pair {
    explicit Pair(asio::io_context& loop) : agent(loop), engine(loop) {}
    void close() {
      Failure ignored;
      agent.close(ignored);
      engine.close(ignored);
    }
    std::function<void()> at_answer;  // set: the next answer does not get through
    Local::socket agent;
    asio::generic::stream_protocol::socket engine;
  };
  using PairPtr = std::shared_ptr<Pair>;

  asio::awaitable<void> accept_all() {
    for (;;) {
      Failure failure;
      const auto pair = std::make_shared<Pair>(loop_);
      co_await acceptor_.async_accept(pair->agent, asio::redirect_error(asio::use_awaitable, failure));
      if (failure) co_return;
      pairs_.insert(pair);
      asio::co_spawn(loop_, forward_requests(pair), asio::detached);
    }
  }

  asio::awaitable<Failure> connect(PairPtr pair) {
    Failure failure;
    if (!engine_.unix_path.empty()) {
      const asio::generic::stream_protocol::endpoint endpoint{Local::endpoint(engine_.unix_path)};
      co_await pair->engine.async_connect(endpoint, asio::redirect_error(asio::use_awaitable, failure));
      co_return failure;
    }
    asio::ip::tcp::resolver resolver(loop_);
    const auto found = co_await resolver.async_resolve(engine_.host, engine_.port,
                                                       asio::redirect_error(asio::use_awaitable, failure));
    for (const auto& entry : found) {
      const asio::generic::stream_protocol::endpoint endpoint{entry.endpoint()};
      pair->engine.close(failure);
      co_await pair->engine.async_connect(endpoint, asio::redirect_error(asio::use_awaitable, failure));
      if (!failure) break;
    }
    co_return failure;
  }

  // Reads whole requests, so that they can be recorded; answers are passed back byte by byte.
  asio::awaitable<void> forward_requests(PairPtr pair) {
    boost::beast::flat_buffer buffer;
    Failure failure = co_await connect(pair);
    if (!failure) asio::co_spawn(loop_, return_answers(pair), asio::detached);
    while (!failure) {
      http_protocol::request_parser<http_protocol::string_body> parser;
      parser.body_limit(boost::none);
      co_await http_protocol::async_read(pair->agent, buffer, parser,
                                         asio::redirect_error(asio::use_awaitable, failure));
      if (failure) break;
      auto request = parser.release();
      if (const auto answer = note(request)) {
        const std::string bytes = *answer;
        co_await asio::async_write(pair->agent, asio::buffer(bytes),
                                   asio::redirect_error(asio::use_awaitable, failure));
        break;
      }
      co_await hold_up();
      if (breaks_off(request, *pair)) break;
      co_await http_protocol::async_write(pair->engine, request,
                                          asio::redirect_error(asio::use_awaitable, failure));
    }
    pair->close();
    pairs_.erase(pair);
  }

  asio::awaitable<void> return_answers(PairPtr pair) {
    std::vector<char> bytes(64u << 10);
    Failure failure;
    while (!failure) {
      const auto size = co_await pair->engine.async_read_some(
          asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, failure));
      if (failure) break;
      if (pair->at_answer) {
        std::exchange(pair->at_answer, nullptr)();
        break;
      }
      co_await asio::async_write(pair->agent, asio::buffer(bytes.data(), size),
                                 asio::redirect_error(asio::use_awaitable, failure));
    }
    pair->close();
  }

  asio::awaitable<void> hold_up() {
    std::chrono::milliseconds time{0};
    {
      const std::lock_guard lock(mutex);
      time = delay;
    }
    if (time.count() == 0) co_return;
    Failure ignored;
    asio::steady_timer timer(loop_, time);
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }

  // True: the request is not passed on.
  bool breaks_off(const http_protocol::request<http_protocol::string_body>& request, Pair& pair) {
    if (request.method() == http_protocol::verb::get || request.method() == http_protocol::verb::head)
      return false;
    const std::lock_guard lock(mutex);
    ++writes_since;
    if (writes_until_break == 0 || --writes_until_break > 0) return false;
    if (moment == Moment::kAfterWrite) {
      pair.at_answer = at_break;
      return false;
    }
    at_break();
    return true;
  }

  std::optional<std::string> note(const http_protocol::request<http_protocol::string_body>& request) {
    EngineRequest seen{std::string(request.method_string()), without_version(std::string(request.target())),
                       request.body()};
    Interceptor ask;
    {
      const std::lock_guard lock(mutex);
      requests.push_back(seen);
      ask = interceptor;
    }
    return ask ? ask(seen) : std::nullopt;
  }

  asio::io_context loop_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{loop_.get_executor()};
  const std::filesystem::path socket_;
  const http::Address engine_;
  Local::acceptor acceptor_;
  std::set<PairPtr> pairs_;
  std::thread thread_;
};

EngineProxy::EngineProxy(std::filesystem::path socket, const std::string& engine)
    : impl_(std::make_unique<Impl>(std::move(socket), engine)) {}

EngineProxy::~EngineProxy() = default;

std::string EngineProxy::docker_host() const {
  return "unix://" + impl_->socket().string();
}

std::vector<EngineRequest> EngineProxy::requests() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->requests;
}

std::vector<std::string> EngineProxy::writes() const {
  std::vector<std::string> texts;
  for (const EngineRequest& request : requests()) {
    if (request.is_write()) texts.push_back(request.text());
  }
  return texts;
}

void EngineProxy::clear() {
  const std::lock_guard lock(impl_->mutex);
  impl_->requests.clear();
}

void EngineProxy::refuse() {
  impl_->on_loop([this] { impl_->refuse(); });
}

void EngineProxy::accept() {
  impl_->on_loop([this] { impl_->listen(); });
}

int EngineProxy::break_off(int n, Moment moment, std::function<void()> at) {
  const std::lock_guard lock(impl_->mutex);
  impl_->writes_until_break = n;
  impl_->moment = moment;
  impl_->at_break = std::move(at);
  return std::exchange(impl_->writes_since, 0);
}

void EngineProxy::delay(std::chrono::milliseconds each) {
  const std::lock_guard lock(impl_->mutex);
  impl_->delay = each;
}

void EngineProxy::intercept(Interceptor interceptor) {
  const std::lock_guard lock(impl_->mutex);
  impl_->interceptor = std::move(interceptor);
}

EngineProxy::Interceptor EngineProxy::garbage() {
  return [](const EngineRequest&) { return "\x01\x02 this is not the engine that you look for\r\n\r\n"; };
}

EngineProxy::Interceptor EngineProxy::broken_json() {
  return [](const EngineRequest&) {
    return "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 7\r\n\r\n{\"Id\": ";
  };
}

EngineProxy::Interceptor EngineProxy::truncated() {
  return [](const EngineRequest&) { return "HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\n[{\"Id\":\"12"; };
}

EngineProxy::Interceptor EngineProxy::status(int code, const std::string& message) {
  const std::string body = "{\"message\":\"" + message + "\"}";
  const std::string answer =
      "HTTP/1.1 " + std::to_string(code) + " Told\r\nContent-Type: application/json\r\n" +
      "Content-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
  return [answer](const EngineRequest&) { return answer; };
}

EngineProxy::Interceptor EngineProxy::nth_write(int n, Interceptor other) {
  return [left = n,
          other = std::move(other)](const EngineRequest& request) mutable -> std::optional<std::string> {
    if (!request.is_write() || --left != 0) return std::nullopt;
    return other(request);
  };
}

}  // namespace hivemind::tests
