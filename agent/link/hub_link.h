#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "common/mqtt/link.h"
#include "hivemind/v1/command.pb.h"
#include "hivemind/v1/report.pb.h"

namespace hivemind::agent {

// Where the broker is, and how it is talked to.
struct BrokerOptions {
  BrokerOptions(std::string address) : url(std::move(address)) {}  // NOLINT: a URL says it all

  std::string url;                      // mqtt://HOST:PORT or mqtts://HOST:PORT
  std::filesystem::path ca_file{};      // mqtts only: PEM
  std::filesystem::path client_file{};  // of an enrolled node: its key and certificate, PEM
  std::chrono::seconds keep_alive{30};
};

// The node's end of the wire: topics and messages of its own over one MQTT link. Holds no state that must
// survive. Loop thread.
class HubLink {
 public:
  struct Callbacks {
    std::function<void()> on_up;  // publish the report, then say online, then send the outbox
    std::function<void(const std::string& why)> on_down;
    std::function<void(const std::string& envelope)> on_manifest;
    std::function<void(const v1::EventAck& ack)> on_ack;
    std::function<void(const std::string& envelope)> on_command;
  };

  // Throws kInvalid for a URL or a CA file that cannot be used.
  HubLink(boost::asio::any_io_executor loop, const BrokerOptions& broker, std::string node,
          Callbacks callbacks);

  void start();
  // Says offline and disconnects; waits for that, at most 2 s.
  void stop();
  bool up() const;
  mqtt::Trouble trouble() const;
  // With what the files hold now.
  void reconnect();

  // False when the link is down: publish again when it is up.
  bool publish_report(const v1::Report& report);
  bool publish_online();
  bool publish_events(v1::EventBatch batch);   // fills in the node
  bool publish_reply(v1::CommandReply reply);  // likewise

 private:
  void on_message(const mqtt::Message& message);

  std::string node_;
  Callbacks callbacks_;
  std::unique_ptr<mqtt::Link> link_;
};

}  // namespace hivemind::agent
