#include "hub/intake.h"

#include <algorithm>
#include <optional>

#include "common/error.h"
#include "common/log.h"
#include "common/report_redaction.h"
#include "common/topics.h"

namespace hivemind::hub {
namespace {

constexpr std::size_t kMaxStreamBytes = 128;
constexpr std::uint64_t kMaxSequence = std::uint64_t{1}
                                       << 62;  // fits SQLite's integers, with room to count on
constexpr std::chrono::seconds kDropPause{1};
// What a broker has kept for this hub while it was away comes at once when it is back: such a report is old,
// and tells nothing about its node's clock.
constexpr std::chrono::milliseconds kBacklog{10'000};

void require_own(const std::string& topic_node, const std::string& message_node) {
  if (topic_node == message_node) return;
  throw Error(ErrorCode::kInvalid, "it names another node than its topic");
}

template <typename Message>
Message parse(const std::string& bytes) {
  Message message;
  if (!message.ParseFromString(bytes)) throw Error(ErrorCode::kInvalid, "it does not parse");
  return message;
}

// What stacks are selected by; nothing for a node that none is selected for.
std::optional<Labels> identity_of(const Node& node) {
  const bool is_known = node.report || node.membership == Membership::kEnrolled;
  if (!is_known || node.membership == Membership::kRevoked) return std::nullopt;
  return labels_of(node);
}

}  // namespace

void Intake::take(const mqtt::Message& message, std::int64_t now_ms) {
  const std::optional<topics::NodeTopic> topic = topics::parse_node_topic(message.topic);
  if (!topic) return drop("hivemind/v1/nodes/…", "its topic names no node");
  try {
    if (message.payload.size() > kMaxMessageBytes) {
      throw Error(ErrorCode::kInvalid, "it has {} bytes, at most {} are taken", message.payload.size(),
                  kMaxMessageBytes);
    }
    if (topic->kind == "presence") {
      take_presence(topic->node, message, now_ms);
    } else if (topic->kind == "report") {
      if (!message.payload.empty()) take_report(topic->node, message, now_ms);  // empty: was cleared
    } else if (topic->kind == "events") {
      take_events(topic->node, message.payload);
    }
  } catch (const Error& error) {
    drop(message.topic, error.what());
  }
}

void Intake::take_presence(const std::string& id, const mqtt::Message& message, std::int64_t now_ms) {
  const std::string_view text = message.payload;
  if (text != topics::kOnline && text != topics::kOffline && !text.empty()) {
    throw Error(ErrorCode::kInvalid, "it is neither '{}' nor '{}'", topics::kOnline, topics::kOffline);
  }
  if (text.empty() && inventory_.find(id) == nullptr) return;  // a cleared topic
  require_room(id);
  Node& node = inventory_.node(id);
  const Presence presence = text == topics::kOnline ? Presence::kOnline : Presence::kOffline;
  // What the broker has kept says nothing new of a node that has been away all the time.
  const bool is_news = !message.retained || node.presence != presence || node.seen_at_ms == 0;
  node.presence = presence;
  if (is_news) node.seen_at_ms = now_ms;
  dirty_.insert(id);
  callbacks_.on_changed();
}

void Intake::take_report(const std::string& id, const mqtt::Message& message, std::int64_t now_ms) {
  auto received = parse<v1::Report>(message.payload);
  require_own(id, received.node());
  if (redactor_ != nullptr) redact(received, *redactor_);
  const auto report = std::make_shared<const v1::Report>(std::move(received));
  require_room(id);
  Node& node = inventory_.node(id);
  const std::optional<Labels> identity = identity_of(node);
  const bool is_known = message.retained && node.report &&
                        node.report->reported_at_ms() == report->reported_at_ms() &&
                        node.report->session() == report->session();
  const bool is_fresh = !message.retained && now_ms - connected_at_ms_ > kBacklog.count();
  if (is_fresh && report->reported_at_ms() != 0) {
    // A clock that is further off is as wrong; what a node says must not overflow.
    constexpr std::int64_t kCenturyMs = 3'155'760'000'000;
    const std::int64_t said = std::clamp(report->reported_at_ms(), -kCenturyMs, 100 * kCenturyMs);
    node.clock_offset_ms = said - now_ms;
  }
  const bool is_news =
      !node.report || node.report->stamp() != report->stamp() || node.report->hub_key() != report->hub_key();
  node.report = report;
  if (!is_known) node.seen_at_ms = now_ms;
  dirty_.insert(id);
  if (is_news) callbacks_.on_stamp(id);
  if (report->received().generation() > node.desired.generation)
    callbacks_.on_generation(id, report->received().generation());
  if (identity_of(node) != identity) callbacks_.on_identities_changed();
  callbacks_.on_changed();
}

void Intake::take_events(const std::string& id, const std::string& bytes) {
  v1::EventBatch batch = parse<v1::EventBatch>(bytes);
  require_own(id, batch.node());
  if (batch.stream().empty() || batch.stream().size() > kMaxStreamBytes || batch.events().empty()) {
    throw Error(ErrorCode::kInvalid, "it holds no events of a stream");
  }
  const bool numbered = std::all_of(batch.events().begin(), batch.events().end(), [](const v1::Event& event) {
    return event.sequence() > 0 && event.sequence() < kMaxSequence;
  });
  if (!numbered) throw Error(ErrorCode::kInvalid, "its events are not numbered");
  const auto size = static_cast<std::size_t>(batch.events().size());
  if (pending_events_ + size > kMaxPendingEvents) {
    throw Error(ErrorCode::kExhausted, "{} events wait to be stored already", pending_events_);
  }
  if (batch.first() > batch.events(0).sequence())
    throw Error(ErrorCode::kInvalid, "it begins before the first event that its node has");
  if (redactor_ != nullptr) {
    for (v1::Event& event : *batch.mutable_events()) redact(event, *redactor_);
  }
  pending_events_ += size;
  events_.push_back({id, batch.stream(), {batch.events().begin(), batch.events().end()}, batch.first()});
  callbacks_.on_changed();
}

void Intake::require_room(const std::string& id) const {
  if (inventory_.nodes().size() >= kMaxNodes && inventory_.find(id) == nullptr) {
    throw Error(ErrorCode::kExhausted, "there are {} nodes already", kMaxNodes);
  }
}

IntakeChange Intake::drain() {
  IntakeChange change;
  for (const std::string& id : dirty_) {
    const Node& node = *inventory_.find(id);
    change.nodes.push_back({id, node.presence == Presence::kOnline, node.seen_at_ms,
                            node.report ? std::optional(node.report->SerializeAsString()) : std::nullopt});
  }
  change.events = std::move(events_);
  change.published.assign(published_.begin(), published_.end());
  dirty_.clear();
  events_.clear();
  pending_events_ = 0;
  published_.clear();
  return change;
}

void Intake::give_back(IntakeChange change) {
  for (const StoredNode& node : change.nodes) dirty_.insert(node.id);
  for (const auto& [node, generation] : change.published)
    published_.emplace(node, generation);  // newer ones win
  for (const EventBatch& batch : change.events) pending_events_ += batch.events.size();
  change.events.insert(change.events.end(), std::make_move_iterator(events_.begin()),
                       std::make_move_iterator(events_.end()));
  events_ = std::move(change.events);
}

void Intake::drop(std::string_view topic, std::string_view why) {
  ++untold_drops_;
  const auto now = std::chrono::steady_clock::now();
  if (now - last_drop_ < kDropPause) return;
  last_drop_ = now;
  log::warn("a message on '{}' is dropped: {} ({} dropped since the last such line)", topic, why,
            std::exchange(untold_drops_, 0));
}

}  // namespace hivemind::hub
