#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

namespace hivemind::mqtt {

struct Will {
  std::string topic;
  std::string payload;
};

struct LinkOptions {
  std::string url;                  // mqtt://HOST:PORT, or mqtts://HOST:PORT for TLS
  std::string client_id;            // at most 65535 bytes; one session per id at a broker
  std::optional<Will> will;         // retained, QoS 1
  std::filesystem::path ca_file{};  // PEM, mqtts only: who may vouch for the broker, and nobody else
  std::chrono::seconds keep_alive{30};
  std::chrono::milliseconds first_retry{250};  // doubles, with full jitter, up to max_retry
  std::chrono::milliseconds max_retry{30'000};
};

struct Message {
  std::string topic;
  std::string payload;
  bool retained = false;  // the broker sent it because of our subscription, not because it was just published
};

// A connection to the broker that is kept up for ever: persistent session, QoS 1, MQTT 3.1.1 semantics only.
//
// Thread: made and used on the loop thread; every callback runs there. Paho's own threads only copy and post.
// Errors: none are thrown after construction; a lost connection is told by on_down and retried with backoff
// and jitter. The constructor throws kInvalid for a URL or a CA file
// that cannot be used.
class Link {
 public:
  struct Callbacks {
    std::function<void()> on_up;                          // connected and subscribed
    std::function<void(const std::string& why)> on_down;  // connection lost, or an attempt failed
    std::function<void(Message)> on_message;
  };

  Link(boost::asio::any_io_executor loop, LinkOptions options, std::vector<std::string> filters,
       Callbacks callbacks);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  void start();
  // Publishes the will's payload as a last message (if there is one), disconnects and waits for it, at most 2
  // s.
  void stop();

  bool up() const;

  // Sends when up; a message given while down is dropped and false returned: senders hold levels or an outbox
  // and send again on on_up. on_delivered runs once the broker has acknowledged it (QoS 1).
  bool publish(const std::string& topic, std::string payload, bool retained,
               std::function<void()> on_delivered = {});

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace hivemind::mqtt
