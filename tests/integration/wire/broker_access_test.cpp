// That a revocation is made good in the end, whatever goes wrong with it at first.
#include "hub/broker_access.h"

#include "tests/integration/wire/trusted_broker.h"
#include "tests/support/catch.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;

const std::string kManifest = "hivemind/v1/nodes/a/manifest";

// The hub's part, in a hurry.
class Access {
 public:
  // directory: the broker's, or that of a hub whose broker is somebody else's. revoked: nodes that were,
  // before this run.
  Access(TrustedBroker& broker, const std::filesystem::path& directory, std::function<bool()> reload,
         std::chrono::milliseconds between_looks = 50ms,
         const std::map<std::string, TrustedBroker::Node>& revoked = {})
      : authority_(broker.authority()),
        revoked_(serials_of(revoked)),
        revoked_nodes_(names_of(revoked)),
        access_(broker.loop().get_executor(), authority_, directory, hub::server_names({}),
                broker.broker().url(),
                {[this] { return list(); }, std::move(reload), [] {}, [this] { return revoked_nodes_; }},
                {.between_looks = between_looks, .takeover = 100ms}) {
    access_.start();
  }

  void revoke(const std::string& name, const TrustedBroker::Node& node) {
    revoked_.push_back(node.serial);
    access_.shut_out(name);
  }
  void look() { access_.look(); }

 private:
  static std::vector<std::string> serials_of(const std::map<std::string, TrustedBroker::Node>& nodes) {
    std::vector<std::string> serials;
    for (const auto& [name, node] : nodes) serials.push_back(node.serial);
    return serials;
  }
  static std::set<std::string> names_of(const std::map<std::string, TrustedBroker::Node>& nodes) {
    std::set<std::string> names;
    for (const auto& [name, node] : nodes) names.insert(name);
    return names;
  }
  std::string list() { return authority_.revocation_list(revoked_, ++lists_); }

  const hub::Authority& authority_;
  std::vector<std::string> revoked_;
  std::set<std::string> revoked_nodes_;
  int lists_ = 0;
  hub::BrokerAccess access_;
};

std::filesystem::path files_of(const TrustedBroker& broker) {
  return broker.directory() / "broker";
}

// It lets the client in, and its broker object has not noticed yet that it answers.
void launch_unnoticed(TrustedBroker& broker, RawClient& client) {
  broker.launch();
  REQUIRE(broker.until([&] { return std::filesystem::exists(files_of(broker) / "mosquitto.pid"); }));
  REQUIRE(wait_until([&] { return client.connect(); }, 10s));  // the loop stands still meanwhile
  REQUIRE_FALSE(broker.broker().running());
}

}  // namespace

TEST_CASE("a revocation whose list cannot be written is made good as soon as it can", "[wire]") {
  TrustedBroker broker;
  Access access(broker, files_of(broker), [&] { return broker.broker().reload(); });
  const TrustedBroker::Node a = broker.make_node("a");
  const TrustedBroker::Node b = broker.make_node("b");
  RawClient node = broker.raw(a.file);
  RawClient other = broker.raw(b.file);
  REQUIRE(node.connect());
  REQUIRE(other.connect());
  // In the place of the file that becomes the list; a full disk looks the same.
  const auto in_the_way = files_of(broker) / "revoked.pem.new";
  std::filesystem::create_directory(in_the_way);
  access.revoke("a", a);
  broker.run_for(300ms);
  CHECK(node.ping());
  std::filesystem::remove(in_the_way);
  CHECK(broker.until([&] { return !node.ping(); }));
  CHECK_FALSE(broker.raw(a.file).connect());
  CHECK(other.ping());
}

TEST_CASE("a hub that cannot write the list when it starts goes on with the old one, and makes it good later",
          "[wire]") {
  TrustedBroker broker;
  const TrustedBroker::Node a = broker.make_node("a");
  RawClient node = broker.raw(a.file);
  const auto in_the_way = files_of(broker) / "revoked.pem.new";
  std::filesystem::create_directory(in_the_way);
  Access access(broker, files_of(broker), [&] { return broker.broker().reload(); }, 50ms, {{"a", a}});
  REQUIRE(node.connect());
  broker.run_for(300ms);
  CHECK(node.ping());
  std::filesystem::remove(in_the_way);
  CHECK(broker.until([&] { return !node.ping(); }));
  CHECK_FALSE(broker.raw(a.file).connect());
}

TEST_CASE("a hub that can neither write a file nor has it does not start", "[wire]") {
  TrustedBroker broker;
  std::filesystem::remove(files_of(broker) / "revoked.pem");
  std::filesystem::create_directory(files_of(broker) / "revoked.pem.new");
  CHECK_THROWS_WITH(Access(broker, files_of(broker), [] { return true; }),
                    ContainsSubstring("is not there and cannot be made"));
}

TEST_CASE("no session is ended before the broker reads the list, or its node would be back at once",
          "[wire]") {
  TrustedBroker broker;
  bool is_up = false;
  Access access(
      broker, files_of(broker), [&] { return is_up && broker.broker().reload(); }, 1h);
  const TrustedBroker::Node a = broker.make_node("a");
  RawClient node = broker.raw(a.file);
  REQUIRE(node.connect());
  access.revoke("a", a);
  broker.run_for(300ms);
  CHECK(node.ping());
  is_up = true;
  access.look();
  CHECK(broker.until([&] { return !node.ping(); }));
  CHECK_FALSE(broker.raw(a.file).connect());
}

TEST_CASE("a node that is revoked while the broker starts is cut off, and not let in again", "[wire]") {
  TrustedBroker broker;
  Access access(
      broker, files_of(broker), [&] { return broker.broker().reload(); }, 1h);
  broker.on_up = [&] { access.look(); };
  const TrustedBroker::Node a = broker.make_node("a");
  RawClient node = broker.raw(a.file);
  broker.stop();
  launch_unnoticed(broker, node);
  access.revoke("a", a);
  CHECK(broker.until([&] { return !node.ping(); }));
  CHECK_FALSE(broker.raw(a.file).connect());
  CHECK(broker.downs().empty());
}

TEST_CASE("a broker that is told to read its files while it starts does so once it answers", "[wire]") {
  TrustedBroker broker;
  const TrustedBroker::Node a = broker.make_node("a");
  RawClient node = broker.raw(a.file);
  broker.stop();
  launch_unnoticed(broker, node);
  broker.revoke({a.serial});
  CHECK_FALSE(broker.broker().reload());
  CHECK(broker.raw(a.file).connect());
  CHECK(broker.until([&] { return !broker.raw(a.file).connect(); }));
}

TEST_CASE("a session that cannot be ended for long is ended all the same", "[wire]") {
  TrustedBroker broker;
  const TrustedBroker::Node a = broker.make_node("a");
  {
    RawClient node = broker.raw(a.file);
    REQUIRE(node.connect({.clean = false}));
    node.subscribe({kManifest});
    REQUIRE(node.ping());
  }
  // As at a broker of somebody's own, which reads another list.
  Access access(broker, broker.directory() / "hub", [] { return true; });
  broker.stop();
  access.revoke("a", a);
  broker.run_for(1s);  // several times as long as one takeover tries
  broker.restart();
  RawClient hub = broker.raw(broker.credentials().client_file());
  REQUIRE(hub.connect());
  int sent = 0;
  CHECK(broker.until([&] {
    const std::string text = "number " + std::to_string(++sent) + " for nobody";
    hub.publish(kManifest, text, false);
    REQUIRE(hub.ping());
    return broker.database().find(text) == std::string::npos;  // no session keeps it
  }));
}

TEST_CASE("a broker that is told to read its files while it starts is not ended by that", "[wire]") {
  TrustedBroker broker;
  for (int i = 0; i < 20; ++i) {
    broker.stop();
    broker.launch();
    CHECK_FALSE(broker.broker().reload());
    REQUIRE(broker.until([&] { return broker.broker().running(); }));
    broker.broker().save();
    broker.run_for(20ms);
  }
  CHECK(broker.downs().empty());
}

}  // namespace hivemind::tests
