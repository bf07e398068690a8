#include "common/error.h"
#include "common/log.h"
#include "common/topics.h"
#include "hivemind/v1/manifest.pb.h"
#include "hub/broker/configuration.h"
#include "hub/clock.h"
#include "hub/hub.h"

namespace hivemind::hub {
namespace {

using namespace std::chrono_literals;

// Retained manifests come in a stream behind the subscription. When none has come for a while, those not seen
// are missing.
constexpr auto kQuiet = 1s;
constexpr auto kLongestQuiet = 30s;
constexpr auto kFirstLook = 250ms;  // likewise, before the first manifest is sent in a run
constexpr auto kMaxRetry = 2s;      // the broker is near; a hub that is away holds up the whole fleet

bool wants_tls(const Config& config) {
  if (!config.broker_url.empty()) return config.broker_url.starts_with("mqtts://");
  if (config.broker_tls == BrokerTls::kAuto) return !ListenAddress::parse(config.broker_listen).loopback();
  return config.broker_tls == BrokerTls::kOn;
}

// What the broker's certificate is for: where it listens, and what the hub is reached by.
ServerNames broker_names(const Config& config) {
  std::vector<std::string> hosts = config.advertise;
  if (config.broker_url.empty()) hosts.push_back(ListenAddress::parse(config.broker_listen).host);
  return server_names(hosts);
}

std::string ack_of(const EventPosition& position) {
  v1::EventAck ack;
  ack.set_stream(position.stream);
  ack.set_sequence(position.sequence);
  return ack.SerializeAsString();
}

// The node's position counts as unsent until the broker has this. Of a node that was shut out nothing is to
// stay: the payload is empty.
void send_ack(mqtt::Link& link, std::map<std::string, EventPosition>& unsent, const std::string& node,
              std::string payload) {
  link.publish(topics::acks(node), std::move(payload), true, [&unsent, node, sent = unsent.at(node)] {
    const auto found = unsent.find(node);
    if (found != unsent.end() && found->second == sent) unsent.erase(found);
  });
}

}  // namespace

std::unique_ptr<BrokerAccess> Hub::make_access(const Config& config) {
  if (!wants_tls(config)) return nullptr;
  const std::string url = config.broker_url.empty()
                              ? broker_url(ListenAddress::parse(config.broker_listen), WithTls::kYes)
                              : config.broker_url;
  return std::make_unique<BrokerAccess>(
      loop_, authority_, config.data_dir / "broker", broker_names(config), url,
      BrokerAccess::Callbacks{[this] { return enrolment_.revocation_list(); },
                              [this] { return !broker_ || broker_->reload(); },
                              [this] { link_->reconnect(); }, [this] { return enrolment_.revoked_nodes(); }},
      BrokerAccessPace{});
}

std::unique_ptr<Broker> Hub::make_broker(const Config& config) {
  status_.broker.kind =
      config.broker_url.empty() ? BrokerStatus::Kind::kEmbedded : BrokerStatus::Kind::kExternal;
  status_.broker.url = config.broker_url;
  status_.broker.error = "not connected yet";
  if (!config.broker_url.empty()) return nullptr;
  BrokerOptions options{config.data_dir / "broker", config.broker_listen};
  if (access_) {
    options.tls = access_->credentials().broker_files();
  } else if (!ListenAddress::parse(config.broker_listen).loopback()) {
    log::warn("the broker on '{}' takes connections from anyone who reaches it (--broker-tls off)",
              config.broker_listen);
    options.access = BrokerOptions::Access::kAnyone;
  }
  auto broker = std::make_unique<Broker>(loop_, std::move(options),
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
  if (access_) {
    options.ca_file = access_->credentials().ca_file();
    options.client_file = access_->credentials().client_file();
    options.broker_name = mqtt::BrokerName::kAny;  // our CA makes certificates for no other servers
  }
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
          [this] { tracker_.recompile_soon(); }, [this](const std::string& node) { guard_report(node); },
          [this](const std::string& node, std::uint64_t generation) { guard_node(node, generation); }};
}

// The first attempt to connect is made when it can succeed: a refused one costs a second.
void Hub::broker_up() {
  log::info("the broker is up");
  if (access_) access_->look();
  link_->start();
}

void Hub::link_up() {
  log::info("connected to the broker");
  status_.broker.connected = true;
  status_.broker.error.clear();
  intake_.note_connection(unix_now_ms());
  if (!looked_at_broker_) delivery_.hold();
  delivery_.up();
  send_acks();
  repair_by_ = std::chrono::steady_clock::now() + kLongestQuiet;
  look_at_broker();
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

// A broker of somebody's own may not know yet that a node was revoked.
bool Hub::is_shut_out(const std::string& node) const {
  const EnrolledNode* enrolled = enrolment_.find(node);
  return enrolled != nullptr && enrolled->revoked_at_ms != 0;
}

// Certificates of the node are void; its hardware may have been replaced, or it is no node any more.
void Hub::shut_out(const std::string& node) {
  if (access_) access_->shut_out(node);
  if (!is_shut_out(node)) return;
  unsent_acks_[node] = {};
  send_ack(*link_, unsent_acks_, node, "");
  // What it has left there, which only the hub can take away now.
  for (const std::string& topic : {topics::presence(node), topics::report(node), topics::events(node)})
    link_->publish(topic, "", true);
}

// Has a certificate of ours that we do not remember. What it says of its labels would select stacks for it;
// those that it has had before stay.
bool Hub::is_stranger(const std::string& node) const {
  return access_ && enrolment_.find(node) == nullptr;
}

// A node can say something as often as it likes.
bool Hub::is_worth_telling(const std::string& node, const std::string& what) {
  return told_.refused(node, what, RefusalLimit::Clock::now()).has_value();
}

void Hub::take(const mqtt::Message& message) {
  if (const auto reply = topics::parse_reply_topic(message.topic)) return take_reply(*reply, message);
  const auto topic = topics::parse_node_topic(message.topic);
  if (topic && topic->kind != "manifest" && is_shut_out(topic->node)) return take_away(message);
  if (topic && topic->kind == "report" && is_stranger(topic->node)) {
    if (is_worth_telling(topic->node, "stranger"))
      log::warn(
          "a report of '{}' is not taken: the node is not enrolled here (was the hub restored from a backup? "
          "enrol the node again)",
          topic->node);
    return;
  }
  if (topic && topic->kind == "manifest") {
    take_manifest(topic->node, message.payload);
  } else {
    intake_.take(message, unix_now_ms());
  }
}

// What the broker has kept of somebody is seen with each connection, so what gets lost now is made good then.
void Hub::take_away(const mqtt::Message& message) {
  if (message.retained && !message.payload.empty()) link_->publish(message.topic, "", true);
}

// Replies are for one moment: one that the broker has kept is taken away from it.
void Hub::take_reply(const topics::ReplyTopic& topic, const mqtt::Message& message) {
  if (message.payload.empty()) return;
  if (message.retained) return take_away(message);
  if (is_shut_out(topic.node)) return;
  commands_.take_reply(topic.node, topic.command_id, message.payload);
}

void Hub::take_manifest(const std::string& node, const std::string& envelope) {
  if (std::chrono::steady_clock::now() < repair_by_) look_at_broker();
  if (delivery_.seen(node, envelope)) guard_manifest(node, envelope);
}

// What a broker holds may be newer than what this hub remembers, and is the proof of it: the first manifests
// of a run wait until it has been seen. Later ones do not wait, only repairs do.
void Hub::look_at_broker() {
  if (looked_at_broker_) return repair_soon();
  repair_.expires_at(std::min(std::chrono::steady_clock::now() + kFirstLook, repair_by_));
  repair_.async_wait([this](boost::system::error_code failure) {
    if (failure) return;
    looked_at_broker_ = true;
    if (!guard_.held() && !is_resuming_) delivery_.let_go();
    repair_soon();
  });
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
  send_ack(*link_, unsent_acks_, node, is_shut_out(node) ? "" : ack_of(*position));
}

// From memory: nobody is there to catch what the store would throw.
void Hub::send_acks() {
  for (const auto& [node, position] : unsent_acks_)
    send_ack(*link_, unsent_acks_, node, is_shut_out(node) ? "" : ack_of(position));
}

}  // namespace hivemind::hub
