#pragma once

#include <optional>
#include <string>
#include <string_view>

// The names of our MQTT topics, in one place. Who writes what: docs/mqtt.md.
namespace hivemind::topics {

std::string manifest(std::string_view node);
std::string acks(std::string_view node);
std::string presence(std::string_view node);
std::string report(std::string_view node);
std::string events(std::string_view node);
std::string command(std::string_view node);
std::string reply(std::string_view node, std::string_view command_id);

// What the hub subscribes to: one filter per kind of message from any node.
inline constexpr std::string_view kAnyPresence = "hivemind/v1/nodes/+/presence";
inline constexpr std::string_view kAnyReport = "hivemind/v1/nodes/+/report";
inline constexpr std::string_view kAnyEvents = "hivemind/v1/nodes/+/events";
inline constexpr std::string_view kAnyReply = "hivemind/v1/nodes/+/replies/+";

// And to see what the broker has kept of its own manifests.
inline constexpr std::string_view kAnyManifest = "hivemind/v1/nodes/+/manifest";

inline constexpr std::string_view kOnline = "online";
inline constexpr std::string_view kOffline = "offline";

// A topic below hivemind/v1/nodes/: whose and what ("presence", "report" …). Nothing for any other topic or
// for a node part that is no node id.
struct NodeTopic {
  std::string node;
  std::string kind;
  bool operator==(const NodeTopic&) const = default;
};
std::optional<NodeTopic> parse_node_topic(std::string_view topic);

// hivemind/v1/nodes/<node>/replies/<id>. The id is whatever stands there.
struct ReplyTopic {
  std::string node;
  std::string command_id;
  bool operator==(const ReplyTopic&) const = default;
};
std::optional<ReplyTopic> parse_reply_topic(std::string_view topic);

}  // namespace hivemind::topics
