#include "hub/api/server.h"

#include <thread>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include "tests/support/catch.h"

using namespace hivemind;
using namespace hivemind::hub;
using namespace std::chrono_literals;
using boost::asio::ip::tcp;
using tests::ContainsSubstring;

namespace {

// A server on a loop of its own, whose answer is the path that was asked for.
class Fixture {
 public:
  Fixture() {
    options.listen = "127.0.0.1:0";
    options.request_timeout = 300ms;
    options.max_connections = 3;
  }
  ~Fixture() {
    if (!server) return;
    boost::asio::post(loop, [this] { server->stop(); });
    thread.join();
  }
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;

  void start() {
    server = std::make_unique<api::Server>(
        loop.get_executor(), options,
        api::Server::Callbacks{[](std::string_view token) { return token == "secret"; },
                               [](std::string_view target) { return target == "/healthz"; },
                               [this](api::Request request) { return respond(std::move(request)); }});
    server->start();
    thread = std::thread([this] { loop.run(); });
  }

  // All that the server says until it closes the connection.
  std::string exchange(const std::string& bytes) {
    if (!server) start();
    boost::asio::io_context own;
    tcp::socket socket(own);
    socket.connect({boost::asio::ip::address_v4::loopback(), server->port()});
    boost::system::error_code failure;
    boost::asio::write(socket, boost::asio::buffer(bytes), failure);
    std::string answer;
    boost::asio::read(socket, boost::asio::dynamic_buffer(answer), failure);
    return answer;
  }

  std::string get(const std::string& target,
                  const std::string& headers = "Authorization: Bearer secret\r\n") {
    return exchange("GET " + target + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" + headers + "\r\n");
  }

  boost::asio::io_context loop;
  api::ServerOptions options;
  std::unique_ptr<api::Server> server;
  std::thread thread;
  std::atomic<int> answered{0};

 private:
  boost::asio::awaitable<api::Response> respond(api::Request request) {
    ++answered;
    if (request.path == std::vector<std::string>{"fails"}) throw Error(ErrorCode::kConflict, "not now");
    api::Response response;
    response.body =
        request.method + " " + (request.path.empty() ? "" : request.path.front()) + " " + request.body;
    co_return response;
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a request with the token is answered") {
  const std::string answer = get("/hello");
  CHECK_THAT(answer, ContainsSubstring("HTTP/1.1 200 OK"));
  CHECK_THAT(answer, ContainsSubstring("Cache-Control: no-store"));
  CHECK_THAT(answer, ContainsSubstring("GET hello "));
}

TEST_CASE_METHOD(Fixture,
                 "a request without a token, or with a wrong one, is refused before it is looked at") {
  CHECK_THAT(get("/hello", ""), ContainsSubstring("401 Unauthorized"));
  CHECK_THAT(get("/hello", "Authorization: Bearer wrong\r\n"), ContainsSubstring("401 Unauthorized"));
  CHECK_THAT(get("/hello", "Authorization: Basic secret\r\n"), ContainsSubstring("401 Unauthorized"));
  CHECK_THAT(get("/hello", "Authorization: Bearer wrong\r\n"), ContainsSubstring("the token is wrong"));
  CHECK(answered == 0);
}

TEST_CASE_METHOD(Fixture, "open paths need no token") {
  CHECK_THAT(get("/healthz", ""), ContainsSubstring("200 OK"));
}

TEST_CASE_METHOD(Fixture, "an error becomes an answer") {
  const std::string answer = get("/fails");
  CHECK_THAT(answer, ContainsSubstring("409 Conflict"));
  CHECK_THAT(answer, ContainsSubstring(R"({"error":{"code":"conflict","message":"not now"}})"));
}

TEST_CASE_METHOD(Fixture, "a body above the limit is refused, announced or not") {
  const std::string head = "POST /x HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer secret\r\n";
  CHECK_THAT(exchange(head + "Content-Length: 1000000\r\n\r\n"), ContainsSubstring("413"));
  std::string chunked = head + "Transfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 20; ++i) chunked += "2000\r\n" + std::string(0x2000, 'x') + "\r\n";
  CHECK_THAT(exchange(chunked), ContainsSubstring("413"));
  CHECK(answered == 0);
}

TEST_CASE_METHOD(Fixture, "a header above the limit is refused") {
  CHECK_THAT(get("/x", "X: " + std::string(20'000, 'x') + "\r\n"), ContainsSubstring("431"));
}

TEST_CASE_METHOD(Fixture, "what is no HTTP is refused") {
  CHECK_THAT(exchange("hello there\r\n\r\n"), ContainsSubstring("400 Bad Request"));
  CHECK_THAT(get("/a%zz"), ContainsSubstring("400 Bad Request"));
}

TEST_CASE_METHOD(Fixture, "a client that is too slow is cut off") {
  const auto before = std::chrono::steady_clock::now();
  CHECK(exchange("GET /x HTTP/1.1\r\nHost:") == "");
  CHECK(std::chrono::steady_clock::now() - before >= 250ms);
  CHECK(exchange(
            "POST /x HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer secret\r\nContent-Length: 5\r\n\r\nab") ==
        "");
  CHECK(answered == 0);
}

TEST_CASE_METHOD(Fixture, "a connection serves one request after the other") {
  const std::string request = "GET /x HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer secret\r\n\r\n";
  const std::string answers = exchange(request + request);
  CHECK(answered == 2);
  CHECK_THAT(answers.substr(answers.find("GET x ") + 6), ContainsSubstring("GET x "));
}

TEST_CASE_METHOD(Fixture, "connections above the limit are closed at once, and there is room again later") {
  options.request_timeout = 5s;
  start();
  boost::asio::io_context own;
  std::vector<tcp::socket> held;
  for (std::size_t i = 0; i < options.max_connections; ++i) {
    held.emplace_back(own).connect({boost::asio::ip::address_v4::loopback(), server->port()});
    // Being answered shows that it was accepted.
    const std::string request = "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n";
    boost::asio::write(held.back(), boost::asio::buffer(request));
    std::string answer;
    boost::asio::read_until(held.back(), boost::asio::dynamic_buffer(answer), "GET healthz ");
  }
  CHECK(get("/x") == "");
  held.clear();
  std::string answer;
  for (int i = 0; i < 100 && answer.empty(); ++i) answer = get("/x");
  CHECK_THAT(answer, ContainsSubstring("200 OK"));
}

TEST_CASE_METHOD(Fixture, "an address that is taken or none is told") {
  start();
  const std::string taken = "127.0.0.1:" + std::to_string(server->port());
  const auto listen_on = [&](const std::string& address) -> std::string {
    api::ServerOptions other;
    other.listen = address;
    try {
      const api::Server second(loop.get_executor(), other, {});
    } catch (const Error& error) {
      return error.what();
    }
    return "bound";
  };
  CHECK_THAT(listen_on(taken), ContainsSubstring("cannot listen on '" + taken + "'"));
  for (const char* wrong : {"", "7373", "host:7373", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:99999"}) {
    CHECK_THAT(listen_on(wrong), ContainsSubstring("is not of the form HOST:PORT"));
  }
}
