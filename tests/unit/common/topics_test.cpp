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

TEST_CASE("any other topic is not a node's") {
  for (const char* topic :
       {"", "hivemind/v1/nodes/", "hivemind/v1/nodes/pi-1", "hivemind/v1/nodes/pi-1/",
        "hivemind/v1/nodes/PI/report", "hivemind/v1/nodes//report", "hivemind/v1/nodes/a/b/c",
        "hivemind/v2/nodes/pi-1/report", "x/hivemind/v1/nodes/pi-1/report"}) {
    CHECK(topics::parse_node_topic(topic) == std::nullopt);
  }
}
