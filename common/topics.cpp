#include "common/topics.h"

#include <fmt/format.h>

#include "common/ids.h"

namespace hivemind::topics {
namespace {

constexpr std::string_view kNodes = "hivemind/v1/nodes/";

std::string node_topic(std::string_view node, std::string_view kind) {
  return fmt::format("{}{}/{}", kNodes, node, kind);
}

}  // namespace

std::string manifest(std::string_view node) {
  return node_topic(node, "manifest");
}
std::string acks(std::string_view node) {
  return node_topic(node, "acks");
}
std::string presence(std::string_view node) {
  return node_topic(node, "presence");
}
std::string report(std::string_view node) {
  return node_topic(node, "report");
}
std::string events(std::string_view node) {
  return node_topic(node, "events");
}

std::string command(std::string_view node) {
  return node_topic(node, "command");
}
std::string reply(std::string_view node, std::string_view command_id) {
  return fmt::format("{}{}/replies/{}", kNodes, node, command_id);
}

std::optional<NodeTopic> parse_node_topic(std::string_view topic) {
  if (!topic.starts_with(kNodes)) return std::nullopt;
  topic.remove_prefix(kNodes.size());
  const std::size_t slash = topic.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view node = topic.substr(0, slash);
  const std::string_view kind = topic.substr(slash + 1);
  if (!is_node_id(node) || kind.empty() || kind.find('/') != std::string_view::npos) return std::nullopt;
  return NodeTopic{std::string(node), std::string(kind)};
}

std::optional<ReplyTopic> parse_reply_topic(std::string_view topic) {
  const std::size_t slash = topic.rfind('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto before = parse_node_topic(topic.substr(0, slash));
  const std::string_view id = topic.substr(slash + 1);
  if (!before || before->kind != "replies" || id.empty()) return std::nullopt;
  return ReplyTopic{before->node, std::string(id)};
}

}  // namespace hivemind::topics
