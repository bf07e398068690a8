#include "hub/api/server.h"

#include <thread>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <sys/resource.h>

#include "common/digest.h"
#include "common/x509/x509.h"
#include "tests/support/catch.h"
#include "tests/support/process.h"

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
    api::Server::Callbacks callbacks;
    callbacks.authenticate = [](std::string_view token, const std::string& address) {
      return token == "secret" ? std::optional(api::Caller{"anna", api::Role::kAdmin, {}, address, "0a"})
                               : std::nullopt;
    };
    callbacks.is_good = [this](const api::Caller&) { return is_good.load(); };
    callbacks.on_failure = [this](const std::string&) {
      return ++failures > 2 ? std::optional(7s) : std::nullopt;
    };
    callbacks.is_open = [](std::string_view, std::string_view target) {
      return target == "/healthz" || target == "/away";
    };
    callbacks.respond = [this](api::Request request) { return respond(std::move(request)); };
    server = std::make_unique<api::Server>(loop.get_executor(), options, std::move(callbacks), tls);
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
  std::atomic<bool> is_good{true};
  std::atomic<int> failures{0};
  std::shared_ptr<api::ServerTls> tls;

  tcp::socket connect(boost::asio::io_context& own) {
    tcp::socket socket(own);
    socket.connect({boost::asio::ip::address_v4::loopback(), server->port()});
    return socket;
  }

 private:
  boost::asio::awaitable<api::Response> respond(api::Request request) {
    ++answered;
    if (request.path == std::vector<std::string>{"fails"}) throw Error(ErrorCode::kConflict, "not now");
    if (request.path == std::vector<std::string>{"away"}) throw Error(ErrorCode::kDenied, "turned away");
    api::Response response;
    if (request.path == std::vector<std::string>{"waits"}) {
      boost::asio::steady_timer timer(loop, 2s);
      co_await timer.async_wait(boost::asio::use_awaitable);
    }
    if (request.path == std::vector<std::string>{"much"}) {
      response.body = std::string(64u << 20, 'x');
      co_return response;
    }
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
  CHECK_THAT(get("/hello", "Authorization: Bearer wrong \r\n"), ContainsSubstring("too many wrong tokens"));
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
  CHECK_THAT(exchange(head + "Content-Length: 2000000\r\n\r\n"), ContainsSubstring("413"));
  std::string chunked = head + "Transfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 200; ++i) chunked += "2000\r\n" + std::string(0x2000, 'x') + "\r\n";
  CHECK_THAT(exchange(chunked), ContainsSubstring("413"));
  CHECK(answered == 0);
}

TEST_CASE_METHOD(Fixture, "who shows no token is not listened to for long") {
  const std::string head = "GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n";
  CHECK_THAT(exchange(head + "Content-Length: 70000\r\n\r\n"), ContainsSubstring("413"));
  std::string chunked = head + "Transfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 9; ++i) chunked += "2000\r\n" + std::string(0x2000, 'x') + "\r\n";
  CHECK_THAT(exchange(chunked), ContainsSubstring("413"));
  CHECK(answered == 0);
  CHECK_THAT(exchange(head + "Content-Length: 4\r\n\r\nbody"), ContainsSubstring("200 OK"));
}

TEST_CASE_METHOD(Fixture, "an answer says when it was given") {
  CHECK_THAT(get("/hello"),
             Catch::Matchers::Matches("(.|\r|\n)*\r\nDate: [A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} "
                                      "[0-9]{2}:[0-9]{2}:[0-9]{2} GMT\r\n(.|\r|\n)*"));
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

TEST_CASE_METHOD(Fixture, "who shows wrong tokens is told to wait, and a right one from there goes through") {
  CHECK_THAT(get("/x", "Authorization: Bearer wrong\r\n"), ContainsSubstring("the token is wrong"));
  CHECK_THAT(get("/x", "Authorization: Bearer wrong\r\n"), ContainsSubstring("401"));
  const std::string told = get("/x", "Authorization: Bearer wrong\r\n");
  CHECK_THAT(told, ContainsSubstring("429"));
  CHECK_THAT(told, ContainsSubstring("Retry-After: 7\r\n"));
  CHECK_THAT(get("/x"), ContainsSubstring("200 OK"));
  CHECK_THAT(get("/x", ""), ContainsSubstring("401"));
  CHECK(failures == 3);  // who shows none has not guessed
}

TEST_CASE_METHOD(Fixture, "two thousand connections that just sit there do not keep a right client waiting") {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  options.request_timeout = 60s;
  options.max_connections = 256;
  start();
  boost::asio::io_context own;
  std::vector<tcp::socket> held;
  std::chrono::steady_clock::duration longest{};
  for (int i = 0; i < 2000; ++i) {
    held.push_back(connect(own));
    if (i % 3 == 1)
      boost::asio::write(held.back(), boost::asio::buffer(std::string_view("GET /x HTTP/1.1\r\nHo")));
    if (i % 3 == 2) {  // a slow body on a path that needs no token
      boost::asio::write(held.back(),
                         boost::asio::buffer(std::string_view(
                             "POST /healthz HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nab")));
    }
    if (i % 200 != 199) continue;
    const auto before = std::chrono::steady_clock::now();
    CHECK_THAT(get("/x"), ContainsSubstring("200 OK"));
    longest = std::max(longest, std::chrono::steady_clock::now() - before);
  }
  CHECK(longest < 3s);
}

TEST_CASE_METHOD(Fixture,
                 "a connection that nobody has shown a token on gives way, and one at work does not") {
  options.request_timeout = 5s;
  start();
  boost::asio::io_context own;
  std::vector<tcp::socket> held;
  const std::string request =
      "GET /waits HTTP/1.1\r\nHost: h\r\nConnection: close\r\nAuthorization: Bearer secret\r\n\r\n";
  for (std::size_t i = 0; i < options.max_connections; ++i) {
    held.push_back(connect(own));
    boost::asio::write(held.back(), boost::asio::buffer(request));
  }
  while (answered < 3) std::this_thread::sleep_for(1ms);
  CHECK(get("/x") == "");  // all are at work
  std::string answer;
  boost::system::error_code failure;
  boost::asio::read(held.front(), boost::asio::dynamic_buffer(answer), failure);
  CHECK_THAT(answer, ContainsSubstring("200 OK"));
  tcp::socket idle = connect(own);
  for (int i = 0; i < 5; ++i) CHECK_THAT(get("/x"), ContainsSubstring("200 OK"));
}

TEST_CASE_METHOD(Fixture, "one token has so many requests under way and no more") {
  options.max_requests_of_one = 1;
  start();
  boost::asio::io_context own;
  tcp::socket busy = connect(own);
  boost::asio::write(busy, boost::asio::buffer(std::string_view(
                               "GET /waits HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer secret\r\n\r\n")));
  while (answered < 1) std::this_thread::sleep_for(1ms);
  CHECK_THAT(get("/x"), ContainsSubstring("429"));
}

TEST_CASE_METHOD(Fixture, "a body that comes in drops counts as a request under way") {
  options.max_requests_of_one = 1;
  options.request_timeout = 2s;
  start();
  boost::asio::io_context own;
  tcp::socket slow = connect(own);
  boost::asio::write(slow,
                     boost::asio::buffer(std::string_view("POST /x HTTP/1.1\r\nHost: h\r\nAuthorization: "
                                                          "Bearer secret\r\nContent-Length: 10\r\n\r\n1")));
  CHECK(tests::wait_until([&] { return get("/x").find("429") != std::string::npos; }, 1s));
  boost::asio::write(slow, boost::asio::buffer(std::string_view("234567890")));
  CHECK(tests::wait_until([&] { return get("/x").find("200 OK") != std::string::npos; }, 1s));
}

TEST_CASE_METHOD(Fixture, "who is turned away is told so as often as he asks, for his token is right") {
  for (int i = 0; i < 5; ++i)
    CHECK_THAT(get("/away", ""), ContainsSubstring("403") && ContainsSubstring("turned away"));
  CHECK(failures == 0);
}

TEST_CASE_METHOD(Fixture, "who is refused in the midst of sending still gets to know why") {
  start();
  const std::string head = "POST /x HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer wrong\r\n";
  for (int i = 0; i < 3; ++i) {
    const std::string answer = exchange(head + "Content-Length: 900000\r\n\r\n" + std::string(900'000, 'x'));
    CHECK_THAT(answer, ContainsSubstring(i < 2 ? "401 Unauthorized" : "429"));
  }
}

TEST_CASE_METHOD(Fixture, "a token that is revoked ends what is under way with it at once") {
  start();
  boost::asio::io_context own;
  tcp::socket polling = connect(own);
  boost::asio::write(polling, boost::asio::buffer(std::string_view(
                                  "GET /waits HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer secret\r\n\r\n")));
  while (answered < 1) std::this_thread::sleep_for(1ms);
  is_good = false;
  const auto before = std::chrono::steady_clock::now();
  boost::asio::post(loop, [this] { server->drop_revoked(); });
  std::string answer;
  boost::system::error_code failure;
  boost::asio::read(polling, boost::asio::dynamic_buffer(answer), failure);
  CHECK(answer == "");
  CHECK(std::chrono::steady_clock::now() - before < 1s);
  CHECK_THAT(get("/waits"), ContainsSubstring("the token is good no more"));  // it expired meanwhile
}

TEST_CASE_METHOD(Fixture, "a client that does not take its answer is cut off, and holds up nobody") {
  options.answer_timeout = 500ms;
  start();
  boost::asio::io_context own;
  tcp::socket slow = connect(own);
  boost::asio::write(slow, boost::asio::buffer(std::string_view(
                               "GET /much HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer secret\r\n\r\n")));
  while (answered < 1) std::this_thread::sleep_for(1ms);
  CHECK_THAT(get("/x"), ContainsSubstring("200 OK"));
  std::this_thread::sleep_for(700ms);
  std::string answer;
  boost::system::error_code failure;
  boost::asio::read(slow, boost::asio::dynamic_buffer(answer), failure);
  CHECK(answer.size() < (64u << 20));
}

namespace {

struct Pair {
  std::string pem;
  std::string fingerprint;
};

// Self-signed, which is enough to be told apart.
Pair make_pair(const std::string& name) {
  const x509::PrivateKey key = x509::PrivateKey::generate();
  const auto certificate = x509::self_sign(key, {name, x509::Purpose::kServer, {name}, {}, x509::kNever});
  return {key.pem() + certificate.pem(), certificate.fingerprint()};
}

struct OverTls {
  std::string answer;
  std::string fingerprint;  // of the certificate that was shown
};

OverTls ask_over_tls(std::uint16_t port, const char* name, int most = TLS1_3_VERSION) {
  boost::asio::io_context own;
  boost::asio::ssl::context context(boost::asio::ssl::context::tls_client);
  SSL_CTX_set_max_proto_version(context.native_handle(), most);
  SSL_CTX_set_security_level(context.native_handle(), 0);
  boost::asio::ssl::stream<tcp::socket> stream(own, context);
  stream.lowest_layer().connect({boost::asio::ip::address_v4::loopback(), port});
  if (name != nullptr) SSL_set_tlsext_host_name(stream.native_handle(), name);
  boost::system::error_code failure;
  stream.handshake(boost::asio::ssl::stream_base::client, failure);
  if (failure) return {"no handshake: " + failure.message(), ""};
  OverTls result;
  X509* shown = SSL_get1_peer_certificate(stream.native_handle());
  unsigned char* der = nullptr;
  const int size = i2d_X509(shown, &der);
  result.fingerprint = sha256_hex({reinterpret_cast<char*>(der), static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  X509_free(shown);
  boost::asio::write(
      stream,
      boost::asio::buffer(std::string_view("GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                                           "Authorization: Bearer secret\r\n\r\n")),
      failure);
  boost::asio::read(stream, boost::asio::dynamic_buffer(result.answer), failure);
  CHECK(failure == boost::asio::error::eof);  // it is said in TLS that this is the end
  return result;
}

}  // namespace

TEST_CASE_METHOD(Fixture, "over TLS who asks for the hub by its name gets the certificate of the CA") {
  const Pair authority = make_pair("hivemind-hub");
  const Pair own = make_pair("hub.example.org");
  tls = std::make_shared<api::ServerTls>(api::ServerCertificates{authority.pem, own.pem});
  start();
  const OverTls as_agent = ask_over_tls(server->port(), "hivemind-hub");
  CHECK_THAT(as_agent.answer, ContainsSubstring("200 OK"));
  CHECK(as_agent.fingerprint == authority.fingerprint);
  CHECK(ask_over_tls(server->port(), "hub.example.org").fingerprint == own.fingerprint);
  CHECK(ask_over_tls(server->port(), nullptr).fingerprint == own.fingerprint);
  CHECK_THAT(ask_over_tls(server->port(), nullptr, TLS1_2_VERSION).answer, ContainsSubstring("200 OK"));
  CHECK_THAT(ask_over_tls(server->port(), nullptr, TLS1_1_VERSION).answer, ContainsSubstring("no handshake"));
  const Pair newer = make_pair("hub.example.org");
  boost::asio::post(loop, [&] { CHECK(tls->replace({authority.pem, newer.pem})); });
  boost::asio::post(loop, [&] { CHECK_FALSE(tls->replace({authority.pem, newer.pem})); });
  boost::asio::post(loop, [&] { CHECK_THROWS_AS(tls->replace({authority.pem, "nonsense"}), Error); });
  while (ask_over_tls(server->port(), nullptr).fingerprint != newer.fingerprint) continue;
  CHECK(ask_over_tls(server->port(), "hivemind-hub").fingerprint == authority.fingerprint);
}

TEST_CASE_METHOD(Fixture,
                 "plain HTTP on the port of TLS is told so, and a handshake that does not end is cut off") {
  tls = std::make_shared<api::ServerTls>(api::ServerCertificates{make_pair("hivemind-hub").pem, ""});
  start();
  CHECK_THAT(get("/x"), ContainsSubstring("this port speaks TLS only (use https:// instead of http://)"));
  const auto before = std::chrono::steady_clock::now();
  CHECK(exchange("") == "");
  CHECK(exchange("\x16\x03\x01\x02") == "");
  CHECK(std::chrono::steady_clock::now() - before >= 500ms);
  CHECK(answered == 0);
}

TEST_CASE("a key that does not belong to its certificate is refused") {
  const Pair one = make_pair("hivemind-hub");
  const Pair other = make_pair("hivemind-hub");
  const std::string mixed =
      x509::PrivateKey::parse(one.pem).pem() + x509::Certificate::parse(other.pem).pem();
  CHECK_THROWS_AS(api::ServerTls({mixed, ""}), Error);
  CHECK_THROWS_AS(api::ServerTls({one.pem, mixed}), Error);
  CHECK_THROWS_AS(api::ServerTls({"", ""}), Error);
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
