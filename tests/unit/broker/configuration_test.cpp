#include "hub/broker/configuration.h"

#include "common/error.h"
#include "tests/support/catch.h"

namespace hivemind::hub {
namespace {

using tests::ContainsSubstring;

TEST_CASE("an address is a host and a fixed port") {
  CHECK(ListenAddress::parse("127.0.0.1:1883").host == "127.0.0.1");
  CHECK(ListenAddress::parse("127.0.0.1:1883").port == 1883);
  CHECK(ListenAddress::parse("[::1]:1883").host == "::1");
  CHECK(ListenAddress::parse("broker.local:65535").port == 65535);
}

TEST_CASE("an address that cannot be used is refused") {
  for (const std::string text : {"", "1883", "host", "host:", ":1883", "host:0", "host:65536", "host:1x",
                                 "::1:1883", "a b:1883", "h\nallow_anonymous true:1883", "[]:1883"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(ListenAddress::parse(text), Error);
  }
}

TEST_CASE("a client on this machine is told an address that it can reach") {
  CHECK(ListenAddress::parse("0.0.0.0:1883").client_host() == "127.0.0.1");
  CHECK(ListenAddress::parse("[::]:1883").client_host() == "[::1]");
  CHECK(ListenAddress::parse("[::1]:1883").client_host() == "[::1]");
  CHECK(ListenAddress::parse("192.0.2.1:1883").client_host() == "192.0.2.1");
}

TEST_CASE("whoever is on this machine is let in, others are not unless that was asked for") {
  BrokerOptions options{"/d", "", BrokerOptions::Access::kLoopback};
  const auto text = [&](const char* listen) {
    return broker_configuration(ListenAddress::parse(listen), options, "");
  };
  CHECK_THAT(text("127.0.0.1:1"), ContainsSubstring("allow_anonymous true\n"));
  CHECK_THAT(text("[::1]:1"), ContainsSubstring("allow_anonymous true\n"));
  CHECK_THAT(text("0.0.0.0:1"), ContainsSubstring("allow_anonymous false\n"));
  CHECK_THAT(text("127.example.org:1"), ContainsSubstring("allow_anonymous false\n"));
  options.access = BrokerOptions::Access::kAnyone;
  CHECK_THAT(text("0.0.0.0:1"), ContainsSubstring("allow_anonymous true\n"));
}

TEST_CASE(
    "with TLS nobody is let in without a certificate, wherever it listens, and its name is user and "
    "session") {
  BrokerOptions options{"/d", "", BrokerOptions::Access::kAnyone};
  options.tls = BrokerTlsFiles{"/d/ca", "/d/server", "/d/revoked", "/d/acl"};
  for (const char* listen : {"127.0.0.1:1", "0.0.0.0:1"}) {
    const std::string text = broker_configuration(ListenAddress::parse(listen), options, "");
    for (const char* line :
         {"allow_anonymous false\n", "cafile /d/ca\n", "certfile /d/server\n", "keyfile /d/server\n",
          "crlfile /d/revoked\n", "acl_file /d/acl\n", "require_certificate true\n",
          "use_identity_as_username true\n", "use_username_as_clientid true\n", "tls_version tlsv1.2\n"})
      CHECK_THAT(text, ContainsSubstring(line));
    CHECK(text.find("allow_anonymous true") == std::string::npos);
  }
}

TEST_CASE("the access control list says who does what, and nothing else") {
  CHECK(access_control() ==
        "user _hub\n"
        "topic readwrite hivemind/v1/#\n"
        "\n"
        "pattern read hivemind/v1/nodes/%u/manifest\n"
        "pattern read hivemind/v1/nodes/%u/command\n"
        "pattern read hivemind/v1/nodes/%u/acks\n"
        "pattern read hivemind/v1/blobs/+\n"
        "pattern write hivemind/v1/nodes/%u/presence\n"
        "pattern write hivemind/v1/nodes/%u/report\n"
        "pattern write hivemind/v1/nodes/%u/events\n"
        "pattern write hivemind/v1/nodes/%u/replies/+\n");
}

TEST_CASE("messages are kept and queues have no limit") {
  const BrokerOptions options{"/d", "", BrokerOptions::Access::kLoopback};
  const std::string text = broker_configuration(ListenAddress::parse("127.0.0.1:1883"), options, "root");
  for (const char* line : {"listener 1883 127.0.0.1\n", "user root\n", "persistence true\n",
                           "persistence_location /d/\n", "max_queued_messages 0\n", "max_queued_bytes 0\n"}) {
    CHECK_THAT(text, ContainsSubstring(line));
  }
}

}  // namespace
}  // namespace hivemind::hub
