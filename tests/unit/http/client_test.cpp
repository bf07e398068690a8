#include "common/http/client.h"

#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "common/error.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/http/scripted_server.h"

namespace hivemind::http {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using tests::ContainsSubstring;
using tests::Reply;
using tests::ScriptedServer;
using Then = tests::Reply::Then;

template <typename T>
struct Outcome {
  std::optional<T> value;
  std::optional<Error> error;
};

// A server with a script and a client of it, on one loop.
class Bench {
 public:
  explicit Bench(std::vector<Reply> script)
      : server(loop, directory / "socket", std::move(script)),
        client(loop.get_executor(), server.address()) {}

  Outcome<Response> run(asio::awaitable<Response> exchange) {
    Outcome<Response> outcome;
    bool done = false;
    asio::co_spawn(loop, std::move(exchange), [&](std::exception_ptr failure, Response response) {
      done = true;
      if (!failure) {
        outcome.value = std::move(response);
        return;
      }
      try {
        std::rethrow_exception(failure);
      } catch (const Error& error) {
        outcome.error = error;
      }
    });
    while (!done) loop.run_one();
    loop.poll();
    return outcome;
  }

  Outcome<Response> send(const std::string& method, const std::string& target, const std::string& body = "",
                         milliseconds timeout = milliseconds(5000)) {
    return run(client.send(request(method, target, body, timeout)));
  }

  static Request request(const std::string& method, const std::string& target, const std::string& body = "",
                         milliseconds timeout = milliseconds(5000)) {
    Request made;
    made.method = method;
    made.target = target;
    made.body = body;
    made.timeout = timeout;
    return made;
  }

  tests::TemporaryDirectory directory;
  asio::io_context loop{1};
  ScriptedServer server;
  Client client;
};

void check_fails(const Outcome<Response>& outcome, ErrorCode code, const std::string& words) {
  REQUIRE(outcome.error.has_value());
  CHECK(to_string(outcome.error->code()) == to_string(code));
  CHECK_THAT(outcome.error->what(), ContainsSubstring(words));
}

}  // namespace

TEST_CASE("an answer of any status is a value with its headers and body") {
  Bench bench({{{"HTTP/1.1 404 Not Found\r\nApi-Version: 1.41\r\nContent-Length: 4\r\n\r\ngone"}}});
  const auto outcome = bench.send("GET", "/a?b=c");
  REQUIRE(outcome.value.has_value());
  CHECK(outcome.value->status == 404);
  CHECK_FALSE(outcome.value->ok());
  CHECK(outcome.value->body == "gone");
  CHECK(outcome.value->header("api-version") == "1.41");
  CHECK(outcome.value->header("absent").empty());
}

TEST_CASE("a status says what the caller can do") {
  CHECK(code_of_status(400) == ErrorCode::kInvalid);
  CHECK(code_of_status(413) == ErrorCode::kInvalid);
  CHECK(code_of_status(431) == ErrorCode::kInvalid);
  CHECK(code_of_status(403) == ErrorCode::kDenied);
  CHECK(code_of_status(429) == ErrorCode::kDenied);
  CHECK(code_of_status(503) == ErrorCode::kUnavailable);
  CHECK(code_of_status(500) == ErrorCode::kInternal);
}

TEST_CASE("a body travels with its length and as JSON") {
  Bench bench({Reply::ok("{}")});
  REQUIRE(bench.send("POST", "/x", R"({"a":1})").value.has_value());
  const std::string& sent = bench.server.requests().at(0);
  CHECK_THAT(sent, ContainsSubstring("POST /x HTTP/1.1\r\n"));
  CHECK_THAT(sent, ContainsSubstring("Host: localhost\r\n"));
  CHECK_THAT(sent, ContainsSubstring("Content-Type: application/json\r\n"));
  CHECK_THAT(sent, ContainsSubstring("Content-Length: 7\r\n"));
  CHECK_THAT(sent, ContainsSubstring("\r\n\r\n{\"a\":1}"));
}

TEST_CASE("a POST without a body says that it has none") {
  Bench bench({Reply::ok("")});
  REQUIRE(bench.send("POST", "/x").value.has_value());
  CHECK_THAT(bench.server.requests().at(0), ContainsSubstring("Content-Length: 0\r\n"));
}

TEST_CASE("a connection is kept and used again") {
  Bench bench({Reply::ok("1"), Reply::ok("2"), Reply::ok("3")});
  for (const char* body : {"1", "2", "3"}) CHECK(bench.send("GET", "/").value.value().body == body);
  CHECK(bench.server.connections() == 1);
}

TEST_CASE("a connection that the server wants closed is not used again") {
  Bench bench({{{"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n1"}}, Reply::ok("2")});
  CHECK(bench.send("GET", "/").value.value().body == "1");
  CHECK(bench.send("GET", "/").value.value().body == "2");
  CHECK(bench.server.connections() == 2);
}

TEST_CASE("bytes behind an answer do not become the next one") {
  Bench bench(
      {{{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"}},
       Reply::ok("2")});
  CHECK(bench.send("GET", "/").value.value().body == "1");
  CHECK(bench.send("GET", "/").value.value().body == "2");
}

TEST_CASE("a request on a kept connection that was closed meanwhile goes out once more, a POST too") {
  Bench bench({Reply::ok("1"), Reply::ok("2")});
  CHECK(bench.send("GET", "/").value.value().body == "1");
  bench.server.close_idle();
  CHECK(bench.send("POST", "/").value.value().body == "2");
  CHECK(bench.server.connections() == 2);
}

TEST_CASE("a GET that was read but not answered on a kept connection goes out once more") {
  Bench bench({Reply::ok("1"), {{}, Then::kClose}, Reply::ok("2")});
  CHECK(bench.send("GET", "/").value.value().body == "1");
  CHECK(bench.send("GET", "/").value.value().body == "2");
}

TEST_CASE("a POST that was read but not answered is not done twice") {
  Bench bench({Reply::ok("1"), {{}, Then::kClose}, Reply::ok("2")});
  CHECK(bench.send("GET", "/").value.value().body == "1");
  check_fails(bench.send("POST", "/make"), ErrorCode::kUnavailable,
              "POST /make: the other side closed the connection");
  CHECK(bench.server.requests().size() == 2);
}

TEST_CASE("a new connection that is closed without an answer is an error, not a loop") {
  Bench bench({{{}, Then::kClose}, Reply::ok("1")});
  check_fails(bench.send("GET", "/"), ErrorCode::kUnavailable, "closed the connection without an answer");
  CHECK(bench.server.requests().size() == 1);
}

TEST_CASE("exchanges under way at once have connections of their own") {
  Bench bench({Reply::ok("a"), Reply::ok("b")});
  int done = 0;
  for (int i = 0; i < 2; ++i) {
    asio::co_spawn(bench.loop, bench.client.send(Bench::request("GET", "/")),
                   [&](std::exception_ptr failure, const Response&) { done += failure ? 0 : 1; });
  }
  while (done < 2) bench.loop.run_one();
  CHECK(bench.server.connections() == 2);
}

TEST_CASE("a server that does not answer in time is unavailable") {
  Bench bench({{{}, Then::kHang}});
  check_fails(bench.send("GET", "/slow", "", milliseconds(30)), ErrorCode::kUnavailable,
              "no answer within 30 ms");
}

TEST_CASE("the time limit covers the body, too") {
  Bench bench({{{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"}, Then::kHang}});
  check_fails(bench.send("GET", "/slow", "", milliseconds(30)), ErrorCode::kUnavailable,
              "no answer within 30 ms");
}

TEST_CASE("an answer that is not HTTP is corrupt") {
  for (const char* bytes : {"hello\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "\x16\x03\x01 of another tongue\r\n\r\n",
                            "HTTP/9.9 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
                            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    INFO(bytes);
    Bench bench({{{bytes}, Then::kClose}});
    check_fails(bench.send("GET", "/"), ErrorCode::kCorrupt, "the answer is not HTTP");
  }
}

TEST_CASE("an answer that breaks off is unavailable, not a short answer") {
  for (const char* bytes : {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "HTTP/1.1 200 OK\r\nContent-",
                            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"}) {
    INFO(bytes);
    Bench bench({{{bytes}, Then::kClose}});
    check_fails(bench.send("GET", "/"), ErrorCode::kUnavailable, "broke off");
  }
}

TEST_CASE("a body above the limit is refused before it is read") {
  Bench bench({{{"HTTP/1.1 200 OK\r\nContent-Length: 67108865\r\n\r\n"}, Then::kHang}});
  check_fails(bench.send("GET", "/"), ErrorCode::kExhausted, "more than 67108864 bytes");
}

TEST_CASE("a chunked body above the limit is refused while it is read") {
  const std::string chunk = "1000000\r\n" + std::string(16u << 20, 'x') + "\r\n";
  Bench bench(
      {{{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunk, chunk, chunk, chunk, chunk}}});
  check_fails(bench.send("GET", "/"), ErrorCode::kExhausted, "more than 67108864 bytes");
}

TEST_CASE("a head without end is refused") {
  Bench bench({{{"HTTP/1.1 200 OK\r\nX: " + std::string(300'000, 'x')}, Then::kHang}});
  check_fails(bench.send("GET", "/"), ErrorCode::kCorrupt, "not HTTP");
}

TEST_CASE("nobody at the address is unavailable") {
  asio::io_context loop;
  for (const char* url : {"unix:///nowhere/at/all.sock", "tcp://127.0.0.1:1"}) {
    Client client(loop.get_executor(), Address::parse(url));
    std::optional<Error> seen;
    asio::co_spawn(loop, client.send(Bench::request("GET", "/")),
                   [&](std::exception_ptr failure, const Response&) {
                     try {
                       std::rethrow_exception(failure);
                     } catch (const Error& error) {
                       seen = error;
                     }
                   });
    loop.restart();
    loop.run();
    REQUIRE(seen.has_value());
    CHECK(seen->code() == ErrorCode::kUnavailable);
    CHECK_THAT(seen->what(), ContainsSubstring(std::string("'") + url + "': cannot connect: "));
  }
}

TEST_CASE("a request that would not be one line is refused") {
  Bench bench({Reply::ok("")});
  for (const char* target : {"/a b", "/a\r\nX: y", "a", ""}) {
    check_fails(bench.send("GET", target), ErrorCode::kInvalid, "is not an escaped path");
  }
  auto request = Bench::request("GET", "/");
  request.headers.emplace_back("X", "a\r\nY: b");
  check_fails(bench.run(bench.client.send(request)), ErrorCode::kInvalid, "control character");
}

TEST_CASE("a stream hands over each piece as it comes, the head first") {
  Bench bench({{{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "3\r\none\r\n", "3\r\ntwo\r\n",
                 "0\r\n\r\n"}},
               Reply::ok("next")});
  std::vector<std::string> pieces;
  const auto outcome = bench.run(bench.client.stream(
      Bench::request("GET", "/events"), [&](std::string_view piece) { pieces.emplace_back(piece); }));
  REQUIRE(outcome.value.has_value());
  CHECK(outcome.value->status == 200);
  REQUIRE_FALSE(pieces.empty());
  CHECK(pieces.front().empty());
  std::string all;
  for (const auto& piece : pieces) all += piece;
  CHECK(all == "onetwo");
  CHECK(bench.send("GET", "/").value.value().body == "next");
  CHECK(bench.server.connections() == 1);
}

TEST_CASE("the head of a stream is told before any piece has come") {
  Bench bench({{{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"}, Then::kHang}});
  bool opened = false;
  const auto outcome = bench.run(bench.client.stream(
      Bench::request("GET", "/events"), [&](std::string_view) { opened = true; }, milliseconds(30)));
  CHECK(opened);
  check_fails(outcome, ErrorCode::kUnavailable, "no answer within 30 ms");
}

TEST_CASE("the time limit of a stream ends with its head") {
  Bench bench({{{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"}, Then::kHang}});
  asio::cancellation_signal cancel;
  bool ended = false;
  asio::co_spawn(
      bench.loop,
      bench.client.stream(Bench::request("GET", "/events", "", milliseconds(20)), [](std::string_view) {}),
      asio::bind_cancellation_slot(cancel.slot(),
                                   [&](std::exception_ptr, const Response&) { ended = true; }));
  bench.loop.run_for(milliseconds(60));
  CHECK_FALSE(ended);
  cancel.emit(asio::cancellation_type::terminal);
  bench.loop.run_for(milliseconds(5));
  CHECK(ended);
}

TEST_CASE("a stream's error status comes with its body and without pieces") {
  Bench bench({{{"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"}}});
  int pieces = 0;
  const auto outcome =
      bench.run(bench.client.stream(Bench::request("GET", "/"), [&](std::string_view) { ++pieces; }));
  CHECK(outcome.value.value().status == 404);
  CHECK(outcome.value.value().body == "no");
  CHECK(pieces == 0);
}

TEST_CASE("a stream that breaks off is unavailable after its pieces") {
  Bench bench({{{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n"}, Then::kClose}});
  std::string all;
  const auto outcome = bench.run(
      bench.client.stream(Bench::request("GET", "/"), [&](std::string_view piece) { all += piece; }));
  CHECK(all == "one");
  check_fails(outcome, ErrorCode::kUnavailable, "broke off");
}

TEST_CASE("what a stream's receiver throws ends the stream and reaches the caller") {
  Bench bench({{{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n"}, Then::kHang}});
  const auto outcome = bench.run(bench.client.stream(Bench::request("GET", "/"), [](std::string_view piece) {
    if (!piece.empty()) throw Error(ErrorCode::kCorrupt, "no event");
  }));
  check_fails(outcome, ErrorCode::kCorrupt, "no event");
}

TEST_CASE("a client may go while an exchange is under way") {
  Bench bench({Reply::ok("late")});
  auto client = std::make_unique<Client>(bench.loop.get_executor(), bench.server.address());
  auto exchange = client->send(Bench::request("GET", "/"));
  client.reset();
  CHECK(bench.run(std::move(exchange)).value.value().body == "late");
}

TEST_CASE("addresses are told apart, and what is none is refused") {
  CHECK(Address::parse("unix:///var/run/docker.sock").unix_path == "/var/run/docker.sock");
  CHECK(Address::parse("unix:///var/run/docker.sock").host == "localhost");
  CHECK(Address::parse("tcp://10.0.0.1:2375").port == "2375");
  CHECK(Address::parse("tcp://pi.local").port == "2375");
  CHECK(Address::parse("http://hub/").port == "80");
  CHECK(Address::parse("http://[::1]:7373").host == "::1");
  for (const char* url : {"unix:///a", "tcp://h:1", "tcp://[::1]:1"})
    CHECK(Address::parse(url).text() == url);
  for (const char* url : {"", "ssh://host", "unix://relative", "tcp://", "tcp://h:0", "tcp://h:70000",
                          "tcp://h:x", "tcp://[::1", "tcp://h/path", "http://a b", "tcp://[::1]x"}) {
    CHECK_THROWS_AS(Address::parse(url), Error);
  }
  CHECK_THROWS_AS(Address::parse("unix:///" + std::string(200, 'x')), Error);
}

TEST_CASE("escaping leaves the unreserved characters alone") {
  CHECK(Client::escape("aZ09-._~") == "aZ09-._~");
  CHECK(Client::escape("a/b c:{\"\xC3\xA9") == "a%2Fb%20c%3A%7B%22%C3%A9");
}

}  // namespace hivemind::http
