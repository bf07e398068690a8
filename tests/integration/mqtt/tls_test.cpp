#include <chrono>
#include <memory>
#include <string>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "common/error.h"
#include "common/mqtt/link.h"
#include "tests/support/catch.h"
#include "tests/support/tls_broker.h"

using namespace hivemind;
using namespace std::chrono_literals;

namespace {

// What became of the first attempt to connect.
struct Attempt {
  bool up = false;
  std::string why_not;
};

Attempt attempt(const std::string& url, const std::filesystem::path& ca_file) {
  boost::asio::io_context loop;
  const auto work = boost::asio::make_work_guard(loop);  // until the link has told something
  Attempt result;
  mqtt::LinkOptions options{.url = url, .client_id = "tls-test", .will = {}, .ca_file = ca_file};
  mqtt::Link link(loop.get_executor(), options, {"t"},
                  {[&] {
                     result.up = true;
                     loop.stop();
                   },
                   [&](const std::string& why) {
                     result.why_not = why;
                     loop.stop();
                   },
                   {}});
  link.start();
  loop.run_for(10s);
  return result;
}

}  // namespace

TEST_CASE("a link over TLS is made to a broker that the CA vouches for, by address and by name") {
  const tests::TlsBroker broker;
  CHECK(attempt(broker.tls_url(), broker.ca_file()).up);
  CHECK(attempt(broker.tls_url("localhost"), broker.ca_file()).up);
}

TEST_CASE("no link over TLS is made to a broker that the CA does not vouch for") {
  const tests::TlsBroker broker;
  const Attempt refused = attempt(broker.tls_url(), broker.other_ca_file());
  CHECK_FALSE(refused.up);
  CHECK_FALSE(refused.why_not.empty());
}

TEST_CASE("no link over TLS is made to a broker whose certificate has another name") {
  const tests::TlsBroker broker;
  const Attempt refused =
      attempt(broker.tls_url("127.1"), broker.ca_file());  // the same machine, not in the certificate
  CHECK_FALSE(refused.up);
  CHECK_FALSE(refused.why_not.empty());
}

TEST_CASE("no link over TLS is made to a port without TLS") {
  const tests::TlsBroker broker;
  const std::string url = "mqtts://127.0.0.1:" + std::to_string(broker.plain_port());
  CHECK_FALSE(attempt(url, broker.ca_file()).up);
}

TEST_CASE("TLS without a CA file, a CA file without TLS, and one that is not there are refused at once") {
  CHECK_THROWS_AS(attempt("mqtts://127.0.0.1:1", ""), Error);
  CHECK_THROWS_AS(attempt("mqtt://127.0.0.1:1", "/etc/hostname"), Error);
  CHECK_THROWS_AS(attempt("mqtts://127.0.0.1:1", "/nonexistent/ca.pem"), Error);
}
