#include <array>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

#include "common/error.h"
#include "common/http/client.h"
#include "common/x509/x509.h"
#include "tests/support/catch.h"

namespace hivemind::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using std::chrono::hours;
using tests::ContainsSubstring;

x509::sys_seconds in(hours time) {
  return std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now() + time);
}

// A CA with all that a test wants of it.
struct Ca {
  explicit Ca(const std::string& name)
      : certificate(x509::self_sign(key, {name, x509::Purpose::kAuthority, {}, {}, x509::kNever})) {}

  // Key and certificate in one text.
  std::string issue(const std::vector<std::string>& dns, const std::vector<std::string>& addresses,
                    x509::Purpose purpose = x509::Purpose::kServer,
                    x509::sys_seconds not_after = in(hours(1))) const {
    const x509::PrivateKey own = x509::PrivateKey::generate();
    return own.pem() +
           x509::issue(certificate, key, own.public_key(), {"server", purpose, dns, addresses, not_after})
               .pem();
  }

  x509::PrivateKey key = x509::PrivateKey::generate();
  x509::Certificate certificate;
};

// Accepts one connection after the other on a thread of its own and answers each with its SNI.
class TlsServer {
 public:
  // raw: what it answers with instead of speaking TLS.
  explicit TlsServer(const std::string& pem, const std::string& raw = "")
      : acceptor_(loop_, {asio::ip::address_v4::loopback(), 0}) {
    context_.use_certificate_chain(asio::buffer(pem));
    context_.use_private_key(asio::buffer(pem), asio::ssl::context::pem);
    thread_ = std::thread([this, raw] {
      for (;;) {
        boost::system::error_code failure;
        tcp::socket socket = acceptor_.accept(failure);
        if (failure || stopped_) return;
        if (raw.empty()) {
          answer(socket);
        } else {
          std::array<char, 1024> request{};  // what is left unread would reset the connection
          socket.read_some(asio::buffer(request), failure);
          asio::write(socket, asio::buffer(raw), failure);
        }
      }
    });
  }
  ~TlsServer() {
    stopped_ = true;
    asio::io_context own;
    boost::system::error_code ignored;
    tcp::socket(own).connect(acceptor_.local_endpoint(), ignored);
    thread_.join();
  }
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  std::string url(const std::string& host = "127.0.0.1") const {
    return "https://" + host + ":" + std::to_string(acceptor_.local_endpoint().port());
  }

 private:
  void answer(tcp::socket& socket) {
    asio::ssl::stream<tcp::socket&> stream(socket, context_);
    boost::system::error_code failure;
    stream.handshake(asio::ssl::stream_base::server, failure);
    std::string request;
    for (int i = 0; i < 2 && !failure; ++i) {
      asio::read_until(stream, asio::dynamic_buffer(request), "\r\n\r\n", failure);
      if (failure) return;
      request.clear();
      const char* name = SSL_get_servername(stream.native_handle(), TLSEXT_NAMETYPE_host_name);
      const std::string body = name == nullptr ? "-" : name;
      asio::write(stream,
                  asio::buffer("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
                               "\r\n\r\n" + body),
                  failure);
    }
  }

  asio::io_context loop_;
  asio::ssl::context context_{asio::ssl::context::tls_server};
  tcp::acceptor acceptor_;
  std::atomic<bool> stopped_{false};
  std::thread thread_;
};

struct Outcome {
  Response response;
  std::optional<Error> error;
};

Outcome get(const std::string& url, const Tls& tls, int times = 1) {
  asio::io_context loop;
  Outcome outcome;
  Client client(loop.get_executor(), Address::parse(url), tls);
  for (int i = 0; i < times; ++i) {
    Request request;
    request.target = "/x";
    request.timeout = std::chrono::seconds(5);
    asio::co_spawn(loop, client.send(request), [&](std::exception_ptr failure, Response response) {
      outcome.response = std::move(response);
      if (!failure) return;
      try {
        std::rethrow_exception(failure);
      } catch (const Error& error) {
        outcome.error = error;
      }
    });
    loop.restart();
    loop.run();
  }
  return outcome;
}

void check_denied(const Outcome& outcome, const std::string& words) {
  REQUIRE(outcome.error.has_value());
  CHECK(to_string(outcome.error->code()) == "denied");
  CHECK_THAT(outcome.error->what(), ContainsSubstring(words));
}

Tls trusting(const Ca& ca, const std::string& name = "") {
  return {Trust::kGiven, ca.certificate.anchor_pem(), name};
}

}  // namespace

TEST_CASE(
    "a server whose certificate comes from the given CA and carries its address is talked to over TLS") {
  const Ca ca("ca");
  const TlsServer server(ca.issue({}, {"127.0.0.1"}));
  const Outcome outcome = get(server.url(), trusting(ca), 2);  // the second on the same connection
  CHECK_FALSE(outcome.error.has_value());
  CHECK(outcome.response.body == "-");  // addresses are not sent as names
}

TEST_CASE("another name than the address's host can be asked for and verified") {
  const Ca ca("ca");
  const TlsServer server(ca.issue({"hivemind-hub"}, {}));
  CHECK(get(server.url(), trusting(ca, "hivemind-hub")).response.body == "hivemind-hub");
  check_denied(get(server.url(), trusting(ca)),
               "its certificate is not for '127.0.0.1' (but for: 'hivemind-hub')");
  check_denied(get(server.url(), trusting(ca, "hivemind")), "is not for 'hivemind'");
}

TEST_CASE("a certificate of another CA is refused, even when the other CA has the same name") {
  const Ca ca("ca");
  const Ca other("ca");
  const TlsServer server(other.issue({}, {"127.0.0.1"}));
  check_denied(get(server.url(), trusting(ca)), "");
  const Ca stranger("stranger");
  check_denied(get(server.url(), trusting(stranger)), "comes from an authority that is not trusted here");
  check_denied(get(server.url(), {}), "comes from an authority that is not trusted here");
}

TEST_CASE("an expired certificate is refused, and the clock is named as the other cause") {
  const Ca ca("ca");
  const TlsServer server(ca.issue({}, {"127.0.0.1"}, x509::Purpose::kServer, in(hours(-1))));
  check_denied(get(server.url(), trusting(ca)),
               "its certificate has expired (or the clock of this machine is wrong)");
}

TEST_CASE("a client's certificate does not make a server") {
  const Ca ca("ca");
  const TlsServer server(ca.issue({}, {"127.0.0.1"}, x509::Purpose::kClient));
  check_denied(get(server.url(), trusting(ca)), "not one of a server");
}

TEST_CASE("nothing is verified when that is asked for") {
  const Ca ca("ca");
  const TlsServer server(ca.issue({"other"}, {}, x509::Purpose::kClient, in(hours(-1))));
  CHECK_FALSE(get(server.url(), {Trust::kNothing, "", "hivemind-hub"}).error.has_value());
}

TEST_CASE("what does not speak TLS is told from what cannot be reached") {
  const Ca ca("ca");
  std::string url;
  {
    const TlsServer server(ca.issue({}, {"127.0.0.1"}), "HTTP/1.1 400 Bad Request\r\n\r\n");
    url = server.url();
    const Outcome outcome = get(url, trusting(ca));
    REQUIRE(outcome.error.has_value());
    CHECK_THAT(outcome.error->what(), ContainsSubstring("does not speak TLS (is it 'http://' instead"));
  }
  const Outcome outcome = get(url, trusting(ca));
  REQUIRE(outcome.error.has_value());
  CHECK(to_string(outcome.error->code()) == "unavailable");
  CHECK_THAT(outcome.error->what(), ContainsSubstring("cannot connect"));
}

TEST_CASE("plain HTTP with a server of TLS is told") {
  const Ca ca("ca");
  const TlsServer server(ca.issue({}, {"127.0.0.1"}), "\x15\x03\x01");  // the beginning of an alert
  const Outcome outcome = get("http" + server.url().substr(5), {});
  REQUIRE(outcome.error.has_value());
  CHECK_THAT(outcome.error->what(), ContainsSubstring("is it 'https://' instead of 'http://'?"));
}

TEST_CASE("trust in a text without a certificate is refused at once") {
  asio::io_context loop;
  for (const std::string pem :
       {"", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}) {
    CHECK_THROWS_AS(Client(loop.get_executor(), Address::parse("https://h"), {Trust::kGiven, pem, ""}),
                    Error);
  }
}

TEST_CASE("addresses with https:// are read and written") {
  const Address address = Address::parse("https://hub.example.org");
  CHECK(address.is_tls);
  CHECK(address.host == "hub.example.org");
  CHECK(address.port == "443");
  CHECK(Address::parse("https://[::1]:7373/").text() == "https://[::1]:7373");
  CHECK_FALSE(Address::parse("http://h").is_tls);
}

}  // namespace hivemind::http
