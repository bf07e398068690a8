#include "common/topics.h"

#include "common/ids.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hivemind;
  const std::string_view topic = tests::text_of(data, size);
  const auto node = topics::parse_node_topic(topic);
  if (node) {
    tests::require(is_node_id(node->node), "a topic's node is no node id");
    tests::require(topic.starts_with("hivemind/v1/nodes/" + node->node + "/"), "a topic is another node's");
    tests::require(topic.ends_with("/" + node->kind), "a topic is of another kind");
    tests::require(node->kind.find('/') == std::string::npos, "a kind is more than one part of a topic");
  }
  const auto reply = topics::parse_reply_topic(topic);
  if (reply) {
    tests::require(is_node_id(reply->node), "a reply's node is no node id");
    tests::require(topics::reply(reply->node, reply->command_id) == topic,
                   "a reply's topic does not come back");
    tests::require(!node, "one topic is two things");
  }
  return 0;
}
