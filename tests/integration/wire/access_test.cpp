// Who may read and write what: the embedded broker's ACL, tried from outside with a real Mosquitto.
#include <algorithm>
#include <set>

#include "tests/integration/wire/trusted_broker.h"
#include "tests/support/catch.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;
using Topics = std::vector<std::string>;

const std::string kRoot = "hivemind/v1/";

// Every topic of the protocol for this name, and some that it does not have.
Topics topics_of(const std::string& name) {
  Topics topics;
  for (const char* kind : {"manifest", "command", "acks", "presence", "report", "events", "replies/1",
                           "replies", "replies/1/2", "other", "report/more", "manifest/more", ""})
    topics.push_back(kRoot + "nodes/" + name + "/" + kind);
  topics.push_back(kRoot + "nodes/" + name);
  return topics;
}

// All of the fleet that is not node a's own, and what lies outside.
Topics foreign_topics() {
  Topics topics{kRoot + "fleet/nodes/a",
                kRoot + "fleet/stacks/web",
                kRoot + "fleet/rollouts/1",
                kRoot + "fleet/events",
                kRoot + "nodes",
                kRoot + "blobs/1/2",
                kRoot + "other",
                "hivemind/v2/nodes/a/report",
                "hivemind",
                "nodes/a/report",
                "other",
                "/",
                "/" + kRoot + "nodes/a/report",
                "$other/topic",
                "$SYS/broker/version",
                "$CONTROL/dynamic-security/v1"};
  for (const char* name : {"b", "_hub", "A", "a-", "aa", "", "any"})
    for (const std::string& topic : topics_of(name)) topics.push_back(topic);
  return topics;
}

Topics all_topics() {
  Topics topics = foreign_topics();
  for (const std::string& topic : topics_of("a")) topics.push_back(topic);
  topics.push_back(kRoot + "blobs/1");
  return topics;
}

const std::set<std::string> kReadable{kRoot + "nodes/a/manifest", kRoot + "nodes/a/command",
                                      kRoot + "nodes/a/acks", kRoot + "blobs/1"};
const std::set<std::string> kWritable{kRoot + "nodes/a/presence", kRoot + "nodes/a/report",
                                      kRoot + "nodes/a/events", kRoot + "nodes/a/replies/1"};

std::set<std::string> topics_seen(const RawClient& client) {
  std::set<std::string> topics;
  for (const RawClient::Message& message : client.messages()) topics.insert(message.topic);
  return topics;
}

RawClient connected(const TrustedBroker& broker, const std::filesystem::path& file,
                    const RawClient::Session& session = {}) {
  RawClient client = broker.raw(file);
  REQUIRE(client.connect(session));
  return client;
}

RawClient hub_of(TrustedBroker& broker) {
  RawClient hub = connected(broker, broker.credentials().client_file());
  hub.subscribe({"#"});
  REQUIRE(hub.ping());
  return hub;
}

// As the hub, which may write all that is ours.
void publish_everywhere(RawClient& hub, bool retained) {
  for (const std::string& topic : all_topics()) {
    if (topic.starts_with(kRoot)) hub.publish(topic, "secret of " + topic, retained);
  }
  REQUIRE(hub.ping());
}

// The ways to ask for more than is one's own.
std::vector<Topics> subscriptions() {
  return {{"#"},
          {"+/+/+/+/+", "+/+/+/+/+/+", "+/+/+/+", "+/+", "+"},
          {"hivemind/#", "$SYS/#", "$CONTROL/#"},
          {kRoot + "#"},
          {kRoot + "nodes/+/+", kRoot + "nodes/+/replies/+"},
          {kRoot + "nodes/a/#"},
          {kRoot + "nodes/b/#", kRoot + "nodes/b/manifest"},
          {"$share/g/" + kRoot + "nodes/b/manifest", "$share/g/#"},
          all_topics()};
}

// Tries to publish on a connection of its own: a refused one ends the connection.
void try_to_publish(const TrustedBroker& broker, const std::filesystem::path& file, const std::string& topic,
                    const std::string& payload, int level, int qos, bool retained) {
  RawClient client = connected(broker, file, {.level = level});
  client.publish(topic, payload, retained, qos);
  client.ping();
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++found;
  return found;
}

}  // namespace

TEST_CASE(
    "a node reads its own manifest, commands and acknowledgements, and blobs, whatever it subscribes to",
    "[wire]") {
  TrustedBroker broker;
  RawClient hub = hub_of(broker);
  publish_everywhere(hub, true);
  const TrustedBroker::Node a = broker.make_node("a");
  const int level = GENERATE(4, 5);
  for (const Topics& filters : subscriptions()) {
    CAPTURE(level, filters.front());
    RawClient node = connected(broker, a.file, {.level = level});
    node.subscribe(filters);
    REQUIRE(node.ping());
    publish_everywhere(hub, true);   // what is retained came before
    publish_everywhere(hub, false);  // and what is not
    REQUIRE(node.ping());
    for (const std::string& topic : topics_seen(node)) {
      CAPTURE(topic);
      CHECK(kReadable.contains(topic));
    }
  }
}

TEST_CASE("a node that reads with its own filters gets all that is its own", "[wire]") {
  TrustedBroker broker;
  RawClient hub = hub_of(broker);
  publish_everywhere(hub, true);
  RawClient node = connected(broker, broker.make_node("a").file);
  node.subscribe({kRoot + "nodes/a/+", kRoot + "blobs/+"});
  REQUIRE(node.ping());
  CHECK(topics_seen(node) == kReadable);
}

TEST_CASE("a node writes its own presence, report, events and replies, and nothing else arrives anywhere",
          "[wire]") {
  TrustedBroker broker;
  RawClient hub = hub_of(broker);
  const TrustedBroker::Node a = broker.make_node("a");
  RawClient other = connected(broker, broker.make_node("b").file);
  other.subscribe({"#", "$SYS/#", "$CONTROL/#"});
  const std::string mark = "written by a";
  for (const std::string& topic : all_topics()) {
    CAPTURE(topic);
    try_to_publish(broker, a.file, topic, mark, 4, 1, true);
    try_to_publish(broker, a.file, topic, mark, 4, 0, true);
    try_to_publish(broker, a.file, topic, mark, 5, 1, true);
    try_to_publish(broker, a.file, topic, mark, 5, 0, false);
    REQUIRE(hub.ping());
    CHECK(topics_seen(hub).contains(topic) == kWritable.contains(topic));
  }
  CHECK(topics_seen(hub) == kWritable);
  REQUIRE(other.ping());
  CHECK(other.messages().empty());
  // What the hub may not see either would be on the broker's disk.
  CHECK(count_of(broker.database(), mark) == kWritable.size());
}

TEST_CASE("a node clears and overwrites nothing that is retained for it or others", "[wire]") {
  TrustedBroker broker;
  RawClient hub = hub_of(broker);
  publish_everywhere(hub, true);
  const TrustedBroker::Node a = broker.make_node("a");
  Topics targets = topics_of("b");
  for (const char* kind : {"manifest", "acks", "command"}) targets.push_back(kRoot + "nodes/a/" + kind);
  for (const std::string& topic : targets) {
    try_to_publish(broker, a.file, topic, "", 4, 1, true);
    try_to_publish(broker, a.file, topic, "forged", 4, 1, true);
  }
  RawClient late = connected(broker, broker.credentials().client_file(), {.client_id = "late"});
  late.subscribe({"#"});
  REQUIRE(late.ping());
  for (const std::string& topic : targets) CHECK(topics_seen(late).contains(topic));
  for (const RawClient::Message& message : late.messages())
    CHECK(message.payload == "secret of " + message.topic);
}

TEST_CASE("a last will speaks for nobody else", "[wire]") {
  TrustedBroker broker;
  RawClient hub = hub_of(broker);
  const TrustedBroker::Node a = broker.make_node("a");
  for (const std::string& topic : all_topics()) {
    CAPTURE(topic);
    RawClient client = broker.raw(a.file);
    if (client.connect({.will_topic = topic})) client.drop();
  }
  REQUIRE(broker.until(
      [&] {
        REQUIRE(hub.ping());
        return topics_seen(hub).size() >= kWritable.size();
      },
      5s));
  CHECK(topics_seen(hub) == kWritable);  // its own are heard
  CHECK(count_of(broker.database(), "forged by a will") == kWritable.size());
}

TEST_CASE("with another's client id, user name or password a node gets neither a session nor messages",
          "[wire]") {
  TrustedBroker broker;
  RawClient hub = hub_of(broker);
  const TrustedBroker::Node a = broker.make_node("a");
  const TrustedBroker::Node b = broker.make_node("b");
  const std::string manifest_of_b = kRoot + "nodes/b/manifest";
  {
    RawClient first = connected(broker, b.file, {.clean = false});
    first.subscribe({manifest_of_b});
    REQUIRE(first.ping());
    first.drop();  // its session stays behind, with what comes
  }
  hub.publish(manifest_of_b, "for b", false);
  REQUIRE(hub.ping());
  for (const char* name : {"b", "hivemind-b", "_hub", "any", ""}) {
    for (const bool clean : {true, false}) {
      CAPTURE(name, clean);
      RawClient thief = broker.raw(a.file);
      if (!thief.connect({.client_id = name, .user = name, .clean = clean})) continue;
      thief.subscribe({manifest_of_b, kRoot + "nodes/a/command"});
      REQUIRE(thief.ping());
      CHECK(thief.messages().empty());
      thief.publish(kRoot + "nodes/b/report", "forged", true);
      thief.ping();
    }
  }
  REQUIRE(hub.ping());  // nor does it push off one that is connected
  CHECK_FALSE(topics_seen(hub).contains(kRoot + "nodes/b/report"));
  RawClient again = connected(broker, b.file, {.clean = false});
  REQUIRE(again.ping());
  REQUIRE(again.messages().size() == 1);
  CHECK(again.messages()[0].payload == "for b");
}

}  // namespace hivemind::tests
