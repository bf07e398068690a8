#include "common/mqtt/link.h"

#include <fstream>
#include <memory>
#include <optional>

#include <boost/asio/io_context.hpp>
#include <signal.h>

#include "common/error.h"
#include "tests/support/catch.h"
#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;
using namespace std::chrono_literals;
using mqtt::Link;
using mqtt::Message;

namespace {

constexpr auto kLongest = 10s;

// A real Mosquitto on a port of its own.
class TestBroker {
 public:
  TestBroker() : port_(tests::free_port()) {
    std::ofstream(configuration()) << "listener " << port_
                                   << " 127.0.0.1\nallow_anonymous true\npersistence false\n";
    start();
  }
  void start() { process_.emplace(std::vector<std::string>{"/usr/sbin/mosquitto", "-c", configuration()}); }
  void kill() { process_.reset(); }
  std::string url() const { return "mqtt://127.0.0.1:" + std::to_string(port_); }

 private:
  std::string configuration() const { return directory_ / "mosquitto.conf"; }
  tests::TemporaryDirectory directory_;
  int port_;
  std::optional<tests::Process> process_;
};

// A link and what it has seen.
struct Peer {
  boost::asio::io_context& loop;
  int ups = 0;
  int downs = 0;
  std::vector<Message> messages;
  std::unique_ptr<Link> link;

  Peer(boost::asio::io_context& io, const std::string& url, const std::string& id,
       std::vector<std::string> filters, std::optional<mqtt::Will> will = {})
      : loop(io) {
    mqtt::LinkOptions options{.url = url, .client_id = id, .will = std::move(will), .keep_alive = 2s};
    options.first_retry = 20ms;
    options.max_retry = 200ms;
    link = std::make_unique<Link>(
        loop.get_executor(), options, std::move(filters),
        Link::Callbacks{[this] { ++ups; }, [this](const std::string&) { ++downs; },
                        [this](Message message) { messages.push_back(std::move(message)); }});
    link->start();
  }

  bool until(const std::function<bool()>& condition) {
    return tests::wait_until(
        [&] {
          loop.restart();
          loop.poll();
          return condition();
        },
        kLongest);
  }
};

}  // namespace

TEST_CASE(
    "a message that one link publishes reaches the other, and the broker's acknowledgement comes back") {
  TestBroker broker;
  boost::asio::io_context loop;
  Peer sender(loop, broker.url(), "sender", {});
  Peer receiver(loop, broker.url(), "receiver", {"a/+"});
  REQUIRE(receiver.until([&] { return sender.ups == 1 && receiver.ups == 1; }));
  int delivered = 0;
  REQUIRE(sender.link->publish("a/b", std::string("\0x", 2), false, [&] { ++delivered; }));
  REQUIRE(receiver.until([&] { return delivered == 1 && receiver.messages.size() == 1; }));
  CHECK(receiver.messages[0].topic == "a/b");
  CHECK(receiver.messages[0].payload == std::string("\0x", 2));
  CHECK_FALSE(receiver.messages[0].retained);
}

TEST_CASE("a link that starts before its broker comes up when the broker does, and again after a kill") {
  TestBroker broker;
  broker.kill();
  boost::asio::io_context loop;
  Peer peer(loop, broker.url(), "peer", {"a/b"});
  REQUIRE(peer.until([&] { return peer.downs >= 2; }));
  CHECK_FALSE(peer.link->up());
  CHECK_FALSE(peer.link->publish("a/b", "dropped", false));
  broker.start();
  REQUIRE(peer.until([&] { return peer.ups == 1; }));
  broker.kill();
  REQUIRE(peer.until([&] { return !peer.link->up(); }));
  broker.start();
  REQUIRE(peer.until([&] { return peer.ups == 2; }));
  REQUIRE(peer.link->publish("a/b", "again", false));
  CHECK(peer.until([&] { return peer.messages.size() == 1 && peer.messages[0].payload == "again"; }));
}

TEST_CASE("retained messages come with a subscription, and the will when a link is stopped") {
  TestBroker broker;
  boost::asio::io_context loop;
  auto first = std::make_unique<Peer>(loop, broker.url(), "first", std::vector<std::string>{},
                                      mqtt::Will{"first/presence", "offline"});
  REQUIRE(first->until([&] { return first->ups == 1; }));
  REQUIRE(first->link->publish("first/presence", "online", true));
  Peer second(loop, broker.url(), "second", {"first/presence"});
  REQUIRE(second.until([&] { return second.messages.size() == 1; }));
  CHECK(second.messages[0].payload == "online");
  first->link->stop();
  REQUIRE(second.until([&] { return second.messages.size() == 2; }));
  CHECK(second.messages[1].payload == "offline");
}

TEST_CASE("a burst of a thousand publishes is acknowledged whole") {
  TestBroker broker;
  boost::asio::io_context loop;
  Peer peer(loop, broker.url(), "peer", {});
  REQUIRE(peer.until([&] { return peer.ups == 1; }));
  int delivered = 0;
  for (int i = 0; i < 1000; ++i)
    REQUIRE(
        peer.link->publish("burst/" + std::to_string(i), std::string(2048, 'x'), true, [&] { ++delivered; }));
  CHECK(peer.until([&] { return delivered == 1000; }));
}

TEST_CASE("a URL of another scheme is refused") {
  boost::asio::io_context loop;
  CHECK_THROWS_AS(Link(loop.get_executor(), {.url = "http://x:1", .client_id = "x", .will = {}}, {}, {}),
                  Error);
  CHECK_THROWS_AS(Link(loop.get_executor(), {.url = "mqtt://x", .client_id = "x", .will = {}}, {}, {}),
                  Error);
}
