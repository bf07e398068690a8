#include "common/error.h"
#include "common/log.h"
#include "common/topics.h"
#include "hivemind/v1/manifest.pb.h"
#include "hub/clock.h"
#include "hub/hub.h"

namespace hivemind::hub {
namespace {

using namespace std::chrono_literals;

// Retained manifests come in a stream behind the subscription. When none has come for a while, those not seen
// are missing.
constexpr auto kQuiet = 1s;
constexpr auto kLongestQuiet = 30s;
constexpr auto kMaxRetry = 2s;  // the broker is near; a hub that is away holds up the whole fleet

bool is_loopback(const std::string& listen) {
  return listen.starts_with("127.") || listen.starts_with("localhost:") || listen.starts_with("[::1]:");
}

}  // namespace

std::unique_ptr<Broker> Hub::make_broker(const Config& config) {
  status_.broker.kind =
      config.broker_url.empty() ? BrokerStatus::Kind::kEmbedded : BrokerStatus::Kind::kExternal;
  status_.broker.url = config.broker_url;
  status_.broker.error = "not connected yet";
  if (!config.broker_url.empty()) return nullptr;
  const bool loopback = is_loopback(config.broker_listen);
  if (!loopback)
    log::warn("the broker on '{}' takes connections from anyone who reaches it", config.broker_listen);
  auto broker = std::make_unique<Broker>(
      loop_,
      BrokerOptions{config.data_dir / "broker", config.broker_listen,
                    loopback ? BrokerOptions::Access::kLoopback : BrokerOptions::Access::kAnyone},
      Broker::Callbacks{[this] { broker_up(); },
                        [this](const std::string& why) {
                          log::error("the broker is down: {}", why);
                          status_.broker.error = why;
                          changed_now();
                        }});
  status_.broker.url = broker->url();
  return broker;
}

std::unique_ptr<mqtt::Link> Hub::make_link() {
  mqtt::LinkOptions options;
  options.url = status_.broker.url;
  options.client_id = "hivemind-hub-" + identity_.hub_id();
  options.first_retry = 50ms;  // the embedded broker takes that long to start
  options.max_retry = kMaxRetry;
  const std::vector<std::string> filters{
      std::string(topics::kAnyPresence), std::string(topics::kAnyReport), std::string(topics::kAnyEvents),
      std::string(topics::kAnyReply),
      std::string(topics::kAnyManifest)};  // its own: to see what the broker has kept
  return std::make_unique<mqtt::Link>(
      loop_, std::move(options), filters,
      mqtt::Link::Callbacks{[this] { link_up(); }, [this](const std::string& why) { link_down(why); },
                            [this](const mqtt::Message& message) { take(message); }});
}

Delivery::Callbacks Hub::delivery_callbacks() {
  return {[this](const std::string& node) { return store_.envelope(node); },
          [this](const std::string& node, std::string envelope, std::function<void()> on_delivered) {
            return link_->publish(topics::manifest(node), std::move(envelope), true, std::move(on_delivered));
          },
          [this](const std::string& node, std::uint64_t generation) {
            intake_.note_published(node, generation);
            if (broker_) broker_->save();
            flush_soon();
          }};
}

Intake::Callbacks Hub::intake_callbacks() {
  return {[this] {
            changed_now();
            flush_soon();
          },
          [this] { tracker_.recompile_soon(); },
          [this](const std::string& node, std::uint64_t generation) {
            if (!publisher_.note_generation(node, generation)) return;
            log::warn("node '{}' has generation {}, which this hub has not made: going on above it", node,
                      generation);
            flush_soon();
          }};
}

// The first attempt to connect is made when it can succeed: a refused one costs a second.
void Hub::broker_up() {
  log::info("the broker is up");
  link_->start();
}

void Hub::link_up() {
  log::info("connected to the broker");
  status_.broker.connected = true;
  status_.broker.error.clear();
  intake_.note_connection(unix_now_ms());
  delivery_.up();
  send_acks();
  repair_by_ = std::chrono::steady_clock::now() + kLongestQuiet;
  repair_soon();
  changed_now();
}

void Hub::link_down(const std::string& why) {
  if (status_.broker.connected) log::warn("the connection to the broker is lost: {}", why);
  status_.broker.connected = false;
  status_.broker.error = why;
  repair_.cancel();
  delivery_.down();
  changed_now();
}

void Hub::take(const mqtt::Message& message) {
  if (const auto reply = topics::parse_reply_topic(message.topic))
    return commands_.take_reply(reply->node, reply->command_id, message.payload);
  const auto topic = topics::parse_node_topic(message.topic);
  if (topic && topic->kind == "manifest") {
    take_manifest(topic->node, message.payload);
  } else {
    intake_.take(message, unix_now_ms());
  }
}

void Hub::take_manifest(const std::string& node, const std::string& envelope) {
  if (std::chrono::steady_clock::now() < repair_by_) repair_soon();
  if (!delivery_.seen(node, envelope)) return;
  v1::Manifest manifest;
  try {
    const std::string payload = open_envelope(identity_.key().verify_key(), kManifestKind, envelope);
    if (!manifest.ParseFromString(payload) || manifest.node() != node) return;
  } catch (const Error&) {
    return;  // not of ours: written over when all have been seen
  }
  if (publisher_.note_generation(node, manifest.generation())) flush_soon();
}

// Until it is quiet; but not for ever.
void Hub::repair_soon() {
  if (!status_.broker.connected) return;
  repair_.expires_at(std::min(std::chrono::steady_clock::now() + kQuiet, repair_by_));
  repair_.async_wait([this](boost::system::error_code failure) {
    if (failure) return;
    repair_by_ = {};
    const std::size_t repaired = delivery_.repair();
    if (repaired > 0) log::warn("{} manifests were missing on the broker or differed: sent again", repaired);
  });
}

void Hub::acknowledge(const std::string& node) {
  const std::optional<EventPosition> position = store_.events().position(node);
  if (!position) return;
  unsent_acks_[node] = *position;
  v1::EventAck ack;
  ack.set_stream(position->stream);
  ack.set_sequence(position->sequence);
  link_->publish(topics::acks(node), ack.SerializeAsString(), true, [this, node, sent = *position] {
    const auto unsent = unsent_acks_.find(node);
    if (unsent != unsent_acks_.end() && unsent->second == sent) unsent_acks_.erase(unsent);
  });
}

void Hub::send_acks() {
  std::vector<std::string> nodes;
  for (const auto& [node, position] : unsent_acks_) nodes.push_back(node);
  for (const std::string& node : nodes) acknowledge(node);
}

}  // namespace hivemind::hub
