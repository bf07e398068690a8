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

// Whether the broker's certificate must carry the host name or address of the URL. It need not where the CA
// makes certificates for servers for this fleet's broker alone.
enum class BrokerName { kMustMatch, kAny };

struct LinkOptions {
  std::string url;                  // mqtt://HOST:PORT, or mqtts://HOST:PORT for TLS
  std::string client_id;            // at most 65535 bytes; one session per id at a broker
  std::optional<Will> will;         // retained, QoS 1
  std::filesystem::path ca_file{};  // PEM, mqtts only: who may vouch for the broker, and nobody else
  // PEM, mqtts only: our private key and certificate chain, in one file. Empty: none.
  std::filesystem::path client_file{};
  BrokerName broker_name = BrokerName::kMustMatch;
  std::chrono::seconds keep_alive{30};
  std::chrono::milliseconds first_retry{250};  // doubles, with full jitter, up to max_retry
  std::chrono::milliseconds max_retry{30'000};
  std::size_t max_payload = 65u << 20;  // bytes; what is larger is dropped, and logged
};

struct Message {
  std::string topic;
  std::string payload;
  bool retained = false;  // the broker sent it because of our subscription, not because it was just published
};

// What keeps a connection over TLS from being made, as far as its owner can do something about it.
enum class Trouble {
  kNone,             // up, or nothing to do with TLS
  kOther,            // the text says what
  kBrokerUntrusted,  // another CA's certificate, or one that is not a server's, or with another name
  kBrokerExpired,    // by our clock, which may be wrong
  kBrokerNotYet,     // likewise
  kExpired,          // ours; the broker says so
  kRevoked,          // ours; the broker says so
  kRefused,          // ours, for another reason
  kNotAsked,         // the broker asks for no certificate, and does not let us in without
};

// A connection to the broker that is kept up for ever: persistent session, QoS 1, MQTT 3.1.1 semantics only.
//
// Thread: made and used on the loop thread; every callback runs there. Paho's own threads only copy and post.
// Errors: none are thrown after construction; a lost connection is told by on_down and retried with backoff
// and jitter. The constructor throws kInvalid for a URL or a file that cannot be used.
//
// TLS is 1.2 or 1.3 with authenticated encryption. The files are read anew for each connection. Paho does not
// tell why a handshake failed; so after a failed attempt, but at most once a minute, one handshake is made
// just to find out.
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
  // Why the last attempt failed.
  Trouble trouble() const;

  // Ends the connection and makes a new one at once, with what the files hold now. The will is not published.
  void reconnect();

  // Sends when up; a message given while down is dropped and false returned: senders hold levels or an outbox
  // and send again on on_up. on_delivered runs once the broker has acknowledged it (QoS 1).
  bool publish(const std::string& topic, std::string payload, bool retained,
               std::function<void()> on_delivered = {});

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace hivemind::mqtt
