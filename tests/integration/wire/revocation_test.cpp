// What becomes of a node that is revoked while it is connected, away, or quick.
#include "hub/broker/takeover.h"
#include "tests/integration/wire/trusted_broker.h"
#include "tests/support/catch.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;

const std::string kManifest = "hivemind/v1/nodes/a/manifest";

// As the hub does it: the list, its reading, then the session. How long it took.
std::chrono::milliseconds revoke(TrustedBroker& broker, const TrustedBroker::Node& node) {
  const auto start = std::chrono::steady_clock::now();
  broker.revoke({node.serial});
  broker.broker().reload();
  bool done = false;
  std::optional<std::string> why_not;
  const hub::Takeover takeover(broker.loop().get_executor(),
                               {"127.0.0.1", std::to_string(broker.port()), broker.credentials().ca_file(),
                                broker.credentials().make_takeover("a", now()), "hivemind-a"},
                               [&](std::optional<std::string> failure) {
                                 why_not = std::move(failure);
                                 done = true;
                               });
  REQUIRE(broker.until([&] { return done; }));
  CHECK(why_not == std::nullopt);
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
}

}  // namespace

TEST_CASE("a node that is revoked loses its connection at once, gets nothing more, and is not let in again",
          "[wire]") {
  TrustedBroker broker;
  RawClient hub = broker.raw(broker.credentials().client_file());
  REQUIRE(hub.connect());
  const TrustedBroker::Node a = broker.make_node("a");
  const TrustedBroker::Node b = broker.make_node("b");
  RawClient node = broker.raw(a.file);
  RawClient other = broker.raw(b.file);
  REQUIRE(node.connect({.clean = false}));
  REQUIRE(other.connect());
  node.subscribe({kManifest});
  REQUIRE(node.ping());
  hub.publish(kManifest, "before", true);
  REQUIRE(hub.ping());
  REQUIRE(node.ping());
  REQUIRE(node.messages().size() == 1);

  const auto took = revoke(broker, a);
  WARN("a session is ended " << took.count() << " ms after it was revoked");
  hub.publish(kManifest, "after", true);
  REQUIRE(hub.ping());
  CHECK_FALSE(node.ping());
  CHECK(node.messages().size() == 1);
  CHECK_FALSE(broker.raw(a.file).connect({.clean = false}));
  CHECK(other.ping());  // the others notice nothing
  CHECK(hub.ping());
  for (const auto& entry : std::filesystem::directory_iterator(broker.directory() / "broker"))
    CHECK_FALSE(entry.path().filename().string().starts_with("takeover-"));
}

TEST_CASE("a node that reconnects as fast as it can is not let in between", "[wire]") {
  TrustedBroker broker;
  const TrustedBroker::Node a = broker.make_node("a");
  RawClient node = broker.raw(a.file);
  REQUIRE(node.connect({.clean = false}));
  broker.revoke({a.serial});
  broker.broker().reload();
  // Its own connection made the loop go round at least once.
  node.ping();
  for (int i = 0; i < 20; ++i) CHECK_FALSE(broker.raw(a.file).connect({.clean = false}));
}

TEST_CASE("a node that was revoked while it was away finds neither its session nor a way in", "[wire]") {
  TrustedBroker broker;
  RawClient hub = broker.raw(broker.credentials().client_file());
  REQUIRE(hub.connect());
  const TrustedBroker::Node a = broker.make_node("a");
  {
    RawClient node = broker.raw(a.file);
    REQUIRE(node.connect({.clean = false}));
    node.subscribe({kManifest});
    REQUIRE(node.ping());
  }
  revoke(broker, a);
  hub.publish(kManifest, "for nobody", false);
  REQUIRE(hub.ping());
  CHECK(broker.database().find("for nobody") == std::string::npos);  // no session keeps it
  CHECK_FALSE(broker.raw(a.file).connect({.clean = false}));
  broker.restart();
  CHECK_FALSE(broker.raw(a.file).connect({.clean = false}));
  // New hardware with the same name and a certificate of its own is let in.
  CHECK(broker.raw(broker.make_node("a").file).connect());
}

TEST_CASE("a revocation list that is empty again lets a node back in", "[wire]") {
  TrustedBroker broker;
  const TrustedBroker::Node a = broker.make_node("a");
  revoke(broker, a);
  CHECK_FALSE(broker.raw(a.file).connect());
  broker.revoke({});
  broker.broker().reload();
  CHECK(broker.until([&] { return broker.raw(a.file).connect(); }));
}

}  // namespace hivemind::tests
