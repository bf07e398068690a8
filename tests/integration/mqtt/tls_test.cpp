#include <chrono>
#include <memory>
#include <string>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "common/error.h"
#include "common/mqtt/link.h"
#include "tests/support/catch.h"
#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tls_broker.h"

using namespace hivemind;
using namespace std::chrono_literals;
using mqtt::BrokerName;
using mqtt::Trouble;
using tests::ContainsSubstring;
using tests::TlsBroker;

namespace {

// What became of the first attempt to connect.
struct Attempt {
  bool up = false;
  std::string why_not;
  Trouble trouble = Trouble::kNone;
};

Attempt attempt(const mqtt::LinkOptions& options) {
  boost::asio::io_context loop;
  const auto work = boost::asio::make_work_guard(loop);  // until the link has told something
  Attempt result;
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
  loop.run_for(20s);
  result.trouble = link.trouble();
  return result;
}

Attempt attempt(const std::string& url, const std::filesystem::path& ca_file) {
  return attempt({.url = url, .client_id = "tls-test", .will = {}, .ca_file = ca_file});
}

// As a node that has a certificate.
Attempt attempt_as(const TlsBroker& broker, const std::filesystem::path& client_file) {
  return attempt({.url = broker.tls_url(),
                  .client_id = "tls-test",
                  .will = {},
                  .ca_file = broker.ca_file(),
                  .client_file = client_file});
}

// A broker that lets in who has a certificate of its CA.
TlsBroker::Options mutual(const std::string& more = "") {
  TlsBroker::Options options;
  options.tls_lines = "require_certificate true\nuse_identity_as_username true\n" + more;
  return options;
}

std::string cafile(const TlsBroker& broker) {
  return broker.ca_file().string();
}

}  // namespace

TEST_CASE("a link over TLS is made to a broker that the CA vouches for, by address and by name") {
  const TlsBroker broker;
  CHECK(attempt(broker.tls_url(), broker.ca_file()).up);
  CHECK(attempt(broker.tls_url("localhost"), broker.ca_file()).up);
}

TEST_CASE("no link over TLS is made to a broker that the CA does not vouch for") {
  const TlsBroker broker;
  const Attempt refused = attempt(broker.tls_url(), broker.other_ca_file());
  CHECK_FALSE(refused.up);
  CHECK(refused.trouble == Trouble::kBrokerUntrusted);
  CHECK_THAT(refused.why_not, ContainsSubstring("not vouched for"));
}

TEST_CASE("no link over TLS is made to a broker whose certificate has another name, unless any will do") {
  const TlsBroker broker;
  // The same machine, but not in the certificate.
  const Attempt refused = attempt(broker.tls_url("127.1"), broker.ca_file());
  CHECK_FALSE(refused.up);
  CHECK(refused.trouble == Trouble::kBrokerUntrusted);
  CHECK_THAT(refused.why_not, ContainsSubstring("'127.1'"));
  mqtt::LinkOptions options{.url = broker.tls_url("127.1"), .client_id = "t", .will = {}};
  options.ca_file = broker.ca_file();
  options.broker_name = BrokerName::kAny;
  CHECK(attempt(options).up);
  options.ca_file = broker.other_ca_file();
  CHECK_FALSE(attempt(options).up);
}

TEST_CASE("no link over TLS is made to what has a client's certificate of the same CA") {
  TlsBroker::Options as_node;
  as_node.purpose = "clientAuth";
  const TlsBroker broker(as_node);
  const Attempt refused = attempt(broker.tls_url(), broker.ca_file());
  CHECK_FALSE(refused.up);
  CHECK(refused.trouble == Trouble::kBrokerUntrusted);
  CHECK_THAT(refused.why_not, ContainsSubstring("no server's"));
}

TEST_CASE("that the broker's certificate has expired by this clock is told apart") {
  TlsBroker::Options old;
  old.days = -1;
  const TlsBroker broker(old);
  const Attempt refused = attempt(broker.tls_url(), broker.ca_file());
  CHECK_FALSE(refused.up);
  CHECK(refused.trouble == Trouble::kBrokerExpired);
  CHECK_THAT(refused.why_not, ContainsSubstring("clock"));
}

TEST_CASE("no link over TLS is made to a port without TLS") {
  const TlsBroker broker;
  const std::string url = "mqtts://127.0.0.1:" + std::to_string(broker.plain_port());
  const Attempt refused = attempt(url, broker.ca_file());
  CHECK_FALSE(refused.up);
  CHECK_THAT(refused.why_not, ContainsSubstring("TLS"));
}

TEST_CASE("no link over TLS is made to a broker that speaks TLS 1.1 at most") {
  const TlsBroker broker;  // for its certificate
  const int port = tests::free_port();
  const std::string directory = broker.ca_file().parent_path();
  tests::Process old({"openssl", "s_server", "-accept", "127.0.0.1:" + std::to_string(port), "-cert",
                      directory + "/broker.pem", "-key", directory + "/broker.key", "-no_tls1_2",
                      "-no_tls1_3", "-cipher", "ALL:@SECLEVEL=0", "-quiet"});
  const auto listens = [&] {
    const tests::Outcome outcome =
        tests::run({"openssl", "s_client", "-connect", "127.0.0.1:" + std::to_string(port)});
    return outcome.output.find("CONNECTED") != std::string::npos;
  };
  REQUIRE(tests::wait_until(listens, 20s));
  REQUIRE(old.running());
  const Attempt refused = attempt("mqtts://127.0.0.1:" + std::to_string(port), broker.ca_file());
  CHECK_FALSE(refused.up);
  CHECK_THAT(refused.why_not, ContainsSubstring("neither TLS 1.2 nor TLS 1.3"));
}

TEST_CASE("TLS without a CA file, files without TLS, and ones that are not there are refused at once") {
  CHECK_THROWS_AS(attempt("mqtts://127.0.0.1:1", ""), Error);
  CHECK_THROWS_AS(attempt("mqtt://127.0.0.1:1", "/etc/hostname"), Error);
  CHECK_THROWS_AS(attempt("mqtts://127.0.0.1:1", "/nonexistent/ca.pem"), Error);
  mqtt::LinkOptions options{.url = "mqtt://127.0.0.1:1", .client_id = "t", .will = {}};
  options.client_file = "/etc/hostname";
  CHECK_THROWS_AS(attempt(options), Error);
  options.url = "mqtts://127.0.0.1:1";
  options.ca_file = "/etc/hostname";
  options.client_file = "/nonexistent/client.pem";
  CHECK_THROWS_AS(attempt(options), Error);
}

TEST_CASE("who has a certificate of the broker's CA is let in, and nobody else is, with the reason told") {
  // With either version of TLS: the two tell of a refusal at different times.
  const std::string version = GENERATE("tlsv1.2", "tlsv1.3");
  CAPTURE(version);
  const TlsBroker ca;  // whose files are this broker's CA
  TlsBroker::Options options = mutual("cafile " + cafile(ca) + "\ntls_version " + version + "\n");
  const TlsBroker broker(options);
  const auto attempt_with = [&](const std::filesystem::path& file) { return attempt_as(broker, file); };

  CHECK(attempt_with(ca.make_client({.name = "pi-1"})).up);

  const Attempt none = attempt_with("");
  CHECK_FALSE(none.up);
  CHECK(none.trouble == Trouble::kRefused);
  CHECK_THAT(none.why_not, ContainsSubstring("wants a certificate"));

  const Attempt stranger = attempt_with(ca.make_client({.name = "pi-1", .of_other_ca = true}));
  CHECK_FALSE(stranger.up);
  CHECK(stranger.trouble == Trouble::kRefused);
  CHECK_THAT(stranger.why_not, ContainsSubstring("does not know the CA"));

  const Attempt expired = attempt_with(ca.make_client({.name = "pi-1", .days = -1}));
  CHECK_FALSE(expired.up);
  CHECK(expired.trouble == Trouble::kExpired);

  const Attempt server = attempt_with(ca.make_client({.name = "pi-1", .purpose = "serverAuth"}));
  CHECK_FALSE(server.up);
  CHECK(server.trouble == Trouble::kRefused);
}

TEST_CASE("that a broker asks for no certificate, and does not let in without, is told") {
  TlsBroker::Options options;
  options.tls_lines = "allow_anonymous false\n";
  const TlsBroker broker(options);
  const Attempt refused = attempt_as(broker, broker.make_client({.name = "pi-1"}));
  CHECK_FALSE(refused.up);
  CHECK(refused.trouble == Trouble::kNotAsked);
  CHECK_THAT(refused.why_not, ContainsSubstring("asks for no certificate"));
}

TEST_CASE("a link that reconnects does so as the one whose certificate is in the file now") {
  const TlsBroker ca;
  const TlsBroker broker(mutual("cafile " + cafile(ca) + "\n" + "use_username_as_clientid true\n"));
  const tests::TemporaryDirectory directory;
  const std::filesystem::path file = directory / "client.pem";
  std::filesystem::copy_file(ca.make_client({.name = "first"}), file);
  boost::asio::io_context loop;
  int ups = 0;
  int downs = 0;
  mqtt::LinkOptions options{.url = broker.tls_url(), .client_id = "x", .will = mqtt::Will{"will", "offline"}};
  options.ca_file = broker.ca_file();
  options.client_file = file;
  std::vector<mqtt::Message> messages;
  mqtt::Link link(loop.get_executor(), options, {"t", "will"},
                  {[&] { ++ups; }, [&](const std::string&) { ++downs; },
                   [&](mqtt::Message message) { messages.push_back(std::move(message)); }});
  const auto until = [&](const std::function<bool()>& condition) {
    return tests::wait_until(
        [&] {
          loop.restart();
          loop.poll();
          return condition();
        },
        10s);
  };
  link.start();
  REQUIRE(until([&] { return ups == 1; }));
  CHECK_THAT(broker.log(), ContainsSubstring("as first"));
  std::filesystem::copy_file(ca.make_client({.name = "second"}), file,
                             std::filesystem::copy_options::overwrite_existing);
  link.reconnect();
  REQUIRE(until([&] { return ups == 2; }));
  CHECK(downs == 1);
  CHECK_THAT(broker.log(), ContainsSubstring("as second"));
  REQUIRE(link.publish("t", "here", false));
  REQUIRE(until([&] { return messages.size() == 1; }));
  CHECK(messages[0].topic == "t");  // no will was sent
}
