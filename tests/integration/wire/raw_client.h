#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hivemind::tests {

// An MQTT client over TLS that does what it is told, also what no decent client would do. Blocks, but no
// longer than 20 s for anything.
class RawClient {
 public:
  struct Options {
    int port = 0;
    std::filesystem::path ca_file;
    std::filesystem::path client_file;  // empty: shows no certificate
  };
  struct Session {
    std::string client_id = "any";
    std::string will_topic = {};  // empty: no will
    std::string user = {};        // empty: none
    int level = 4;                // of the protocol: MQTT 3.1.1, or 5
    bool clean = true;
  };
  struct Message {
    std::string topic;
    std::string payload;
  };

  explicit RawClient(const Options& options);
  ~RawClient();
  RawClient(RawClient&&) noexcept;

  // Makes TLS and sends CONNECT. Whether the broker lets it in.
  bool connect(const Session& session);
  bool connect() { return connect(Session()); }
  void subscribe(const std::vector<std::string>& filters);
  void publish(const std::string& topic, const std::string& payload, bool retained, int qos = 1);
  // Whether the connection holds; when it does, all that was sent before has been acted on, and all that was
  // sent to us has been read.
  bool ping();
  const std::vector<Message>& messages() const { return messages_; }
  // Ends without DISCONNECT: the will is due.
  void drop();

 private:
  struct Tls;

  bool send(const std::string& packet);
  bool read(char* to, std::size_t size);
  std::optional<unsigned char> read_packet();

  std::unique_ptr<Tls> tls_;
  Options options_;
  int level_ = 4;
  std::uint16_t next_id_ = 1;
  std::string body_;  // of the packet that was read last
  std::vector<Message> messages_;
};

}  // namespace hivemind::tests
