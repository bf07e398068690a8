#include "agent/link/hub_link.h"

#include <utility>

#include "common/topics.h"

namespace hivemind::agent {

HubLink::HubLink(boost::asio::any_io_executor loop, const BrokerOptions& broker, std::string node,
                 Callbacks callbacks)
    : node_(std::move(node)), callbacks_(std::move(callbacks)) {
  mqtt::LinkOptions options;
  options.url = broker.url;
  options.ca_file = broker.ca_file;
  options.client_file = broker.client_file;
  // The hub's CA, which is the only one that is believed, makes no certificates for servers but the fleet's
  // own.
  if (!broker.client_file.empty()) options.broker_name = mqtt::BrokerName::kAny;
  options.keep_alive = broker.keep_alive;
  options.client_id = "hivemind-" + node_;
  options.will = mqtt::Will{topics::presence(node_), std::string(topics::kOffline)};
  mqtt::Link::Callbacks on{callbacks_.on_up, callbacks_.on_down,
                           [this](const mqtt::Message& message) { on_message(message); }};
  link_ = std::make_unique<mqtt::Link>(
      std::move(loop), std::move(options),
      std::vector<std::string>{topics::manifest(node_), topics::acks(node_), topics::command(node_)},
      std::move(on));
}

void HubLink::start() {
  link_->start();
}
void HubLink::stop() {
  link_->stop();
}
bool HubLink::up() const {
  return link_->up();
}
mqtt::Trouble HubLink::trouble() const {
  return link_->trouble();
}
void HubLink::reconnect() {
  link_->reconnect();
}

void HubLink::on_message(const mqtt::Message& message) {
  // An empty retained message only clears the topic.
  if (message.payload.empty()) return;
  if (message.topic == topics::manifest(node_)) {
    callbacks_.on_manifest(message.payload);
    return;
  }
  if (message.topic == topics::command(node_)) {
    callbacks_.on_command(message.payload);
    return;
  }
  v1::EventAck ack;
  if (message.topic == topics::acks(node_) && ack.ParseFromString(message.payload)) callbacks_.on_ack(ack);
}

bool HubLink::publish_report(const v1::Report& report) {
  return link_->publish(topics::report(node_), report.SerializeAsString(), true);
}

bool HubLink::publish_online() {
  return link_->publish(topics::presence(node_), std::string(topics::kOnline), true);
}

bool HubLink::publish_events(v1::EventBatch batch) {
  batch.set_node(node_);
  return link_->publish(topics::events(node_), batch.SerializeAsString(), false);
}

bool HubLink::publish_reply(v1::CommandReply reply) {
  reply.set_node(node_);
  return link_->publish(topics::reply(node_, reply.id()), reply.SerializeAsString(), false);
}

}  // namespace hivemind::agent
