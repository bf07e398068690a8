#include "tests/support/http_engine.h"

#include <cctype>
#include <future>
#include <optional>
#include <set>
#include <sstream>
#include <thread>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include "tests/support/engine_records.h"

namespace hivemind::tests {
namespace {

namespace asio = boost::asio;
namespace http_protocol = boost::beast::http;
using nlohmann::json;
using Local = asio::local::stream_protocol;
using Failure = boost::system::error_code;
using Request = http_protocol::request<http_protocol::string_body>;

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

RecordRequest parsed(const Request& request) {
  RecordRequest result;
  result.method = std::string(request.method_string());
  const std::string target(request.target());
  const auto mark = target.find('?');
  std::istringstream path(target.substr(0, mark));
  for (std::string part; std::getline(path, part, '/');) {
    const bool version =
        part.size() > 1 && part[0] == 'v' && std::isdigit(static_cast<unsigned char>(part[1])) != 0;
    if (!part.empty() && !version) result.path.push_back(unescaped(part));
  }
  // An image's name may hold slashes.
  while (result.path.size() > 3 && result.path[0] == "images") {
    result.path[1] += "/" + result.path[2];
    result.path.erase(result.path.begin() + 2);
  }
  std::istringstream query(mark == std::string::npos ? "" : target.substr(mark + 1));
  for (std::string part; std::getline(query, part, '&');) {
    const auto equals = part.find('=');
    result.query[part.substr(0, equals)] =
        equals == std::string::npos ? "" : unescaped(part.substr(equals + 1));
  }
  if (!request.body().empty()) result.body = json::parse(request.body());
  return result;
}

// "/v1.47/containers/json" -> "1.47"; empty: none.
std::string version_in(const Request& request) {
  const std::string target(request.target());
  const bool has_one = target.starts_with("/v1.");
  return has_one ? target.substr(2, target.find('/', 1) - 2) : "";
}

// As the engine itself says it.
std::optional<RecordAnswer> refusal_of(const Request& request, const std::string& newest) {
  const std::string version = version_in(request);
  if (version.empty() || std::stoi(version.substr(2)) <= std::stoi(newest.substr(2))) return std::nullopt;
  RecordAnswer answer;
  answer.status = 400;
  answer.body = {
      {"message", "client version " + version + " is too new. Maximum supported API version is " + newest}};
  return answer;
}

}  // namespace

class HttpEngine::Impl {
 public:
  explicit Impl(std::filesystem::path socket)
      : socket_(std::move(socket)), acceptor_(loop_, Local::endpoint(socket_.string())) {
    asio::co_spawn(loop_, accept_all(), asio::detached);
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~Impl() {
    loop_.stop();
    thread_.join();
    std::filesystem::remove(socket_);
  }

  // On the engine's thread; waits for it.
  template <typename Task>
  auto on_loop(Task task) {
    std::packaged_task<decltype(task())()> work(std::move(task));
    auto result = work.get_future();
    asio::post(loop_, [&work] { work(); });
    return result.get();
  }

  void end_streams() {
    Failure ignored;
    for (const auto& stream : streams_) stream->close(ignored);
    streams_.clear();
  }

  const std::filesystem::path& socket() const { return socket_; }
  EngineRecords records;  // loop thread only

 private:
  using Socket = std::shared_ptr<Local::socket>;

  asio::awaitable<void> accept_all() {
    for (;;) {
      Failure failure;
      const auto socket = std::make_shared<Local::socket>(loop_);
      co_await acceptor_.async_accept(*socket, asio::redirect_error(asio::use_awaitable, failure));
      if (failure) co_return;
      asio::co_spawn(loop_, serve(socket), asio::detached);
    }
  }

  asio::awaitable<void> serve(Socket socket) {
    boost::beast::flat_buffer buffer;
    Failure failure;
    while (!failure) {
      Request request;
      co_await http_protocol::async_read(*socket, buffer, request,
                                         asio::redirect_error(asio::use_awaitable, failure));
      if (failure) break;
      const RecordRequest wanted = parsed(request);
      const auto refusal = refusal_of(request, records.api_version);
      if (!refusal && !wanted.path.empty() && wanted.path[0] == "events") {
        co_await open_stream(socket);
        co_return;
      }
      const RecordAnswer answer = refusal ? *refusal : records.answer(wanted);
      http_protocol::response<http_protocol::string_body> response(
          static_cast<http_protocol::status>(answer.status), request.version());
      response.set("Api-Version", records.api_version);
      response.set(http_protocol::field::content_type, "application/json");
      response.keep_alive(request.keep_alive());
      if (!answer.body.is_null()) response.body() = answer.body.dump();
      response.prepare_payload();
      co_await http_protocol::async_write(*socket, response,
                                          asio::redirect_error(asio::use_awaitable, failure));
      send_events();
    }
  }

  asio::awaitable<void> open_stream(Socket socket) {
    Failure failure;
    const std::string head =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    co_await asio::async_write(*socket, asio::buffer(head),
                               asio::redirect_error(asio::use_awaitable, failure));
    if (!failure) streams_.insert(socket);
  }

  // At once, so that the pieces of two answers cannot mix; they are far smaller than a socket's buffer.
  void send_events() {
    std::string text;
    for (const json& event : records.take_events()) text += event.dump() + "\n";
    if (text.empty()) return;
    std::ostringstream chunk;
    chunk << std::hex << text.size() << "\r\n" << text << "\r\n";
    const std::string bytes = chunk.str();
    std::erase_if(streams_, [&](const Socket& stream) {
      Failure failure;
      asio::write(*stream, asio::buffer(bytes), failure);
      return static_cast<bool>(failure);
    });
  }

  asio::io_context loop_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{loop_.get_executor()};
  const std::filesystem::path socket_;
  Local::acceptor acceptor_;
  std::set<Socket> streams_;
  std::thread thread_;
};

HttpEngine::HttpEngine(std::filesystem::path socket) : impl_(std::make_unique<Impl>(std::move(socket))) {}
HttpEngine::~HttpEngine() = default;

std::string HttpEngine::docker_host() const {
  return "unix://" + impl_->socket().string();
}

std::string HttpEngine::state() const {
  return impl_->on_loop([this] { return impl_->records.all.dump(); });
}

void HttpEngine::set_state(const std::string& state) {
  impl_->on_loop([&] {
    impl_->records.all = json::parse(state);
    impl_->records.take_events();
  });
}

void HttpEngine::upgrade(const std::string& api_version) {
  impl_->on_loop([&] {
    impl_->records.api_version = api_version;
    impl_->end_streams();
  });
}

}  // namespace hivemind::tests
