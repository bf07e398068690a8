#include "common/topics.h"

#include "tests/support/catch.h"

using namespace hivemind;

TEST_CASE("a node's topics stand below its id and parse back") {
  CHECK(topics::manifest("pi-1") == "hivemind/v1/nodes/pi-1/manifest");
  CHECK(topics::parse_node_topic(topics::report("pi-1")) == topics::NodeTopic{"pi-1", "report"});
  CHECK(topics::parse_node_topic(topics::presence("pi-1")) == topics::NodeTopic{"pi-1", "presence"});
  CHECK(topics::parse_node_topic(topics::events("pi-1")) == topics::NodeTopic{"pi-1", "events"});
  CHECK(topics::parse_node_topic(topics::acks("pi-1")) == topics::NodeTopic{"pi-1", "acks"});
}

TEST_CASE("a command has a topic, and its reply one of its own") {
  CHECK(topics::command("pi-1") == "hivemind/v1/nodes/pi-1/command");
  CHECK(topics::reply("pi-1", "c0ffee") == "hivemind/v1/nodes/pi-1/replies/c0ffee");
  CHECK(topics::parse_reply_topic(topics::reply("pi-1", "c0ffee")) == topics::ReplyTopic{"pi-1", "c0ffee"});
  for (const char* topic : {"hivemind/v1/nodes/pi-1/replies", "hivemind/v1/nodes/pi-1/replies/",
                            "hivemind/v1/nodes/pi-1/report/x", "hivemind/v1/nodes/pi-1/replies/a/b", ""}) {
    CHECK(topics::parse_reply_topic(topic) == std::nullopt);
  }
}

TEST_CASE("any other topic is not a node's") {
  for (const char* topic :
       {"", "hivemind/v1/nodes/", "hivemind/v1/nodes/pi-1", "hivemind/v1/nodes/pi-1/",
        "hivemind/v1/nodes/PI/report", "hivemind/v1/nodes//report", "hivemind/v1/nodes/a/b/c",
        "hivemind/v2/nodes/pi-1/report", "x/hivemind/v1/nodes/pi-1/report"}) {
    CHECK(topics::parse_node_topic(topic) == std::nullopt);
  }
}
