#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "common/mqtt/link.h"
#include "hub/broker/broker.h"
#include "hub/broker/credentials.h"
#include "tests/integration/wire/raw_client.h"
#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

namespace hivemind::tests {

x509::sys_seconds now();

// The hub's embedded broker with mutual TLS, as the hub makes it, with a real Mosquitto.
class TrustedBroker {
 public:
  explicit TrustedBroker(const hub::Authority::Given& authority = {});
  ~TrustedBroker();

  boost::asio::io_context& loop() { return loop_; }
  hub::BrokerCredentials& credentials() { return *credentials_; }
  hub::Broker& broker() { return *broker_; }
  const hub::Authority& authority() const { return *authority_; }
  std::filesystem::path directory() const { return directory_.path(); }
  int port() const { return port_; }

  bool until(const std::function<bool()>& condition,
             std::chrono::milliseconds longest = std::chrono::seconds(10));
  void run_for(std::chrono::milliseconds time) {
    until([] { return false; }, time);
  }
  // Writes the list; the broker must still read it.
  void revoke(const std::vector<std::string>& serials);
  // A stop and a start with what is on the disk.
  void restart();
  void stop();
  // Returns at once: it is running() some time later.
  void launch();
  std::function<void()> on_up;
  const std::vector<std::string>& downs() const { return downs_; }  // why it ended, each time
  // All that the broker has on its disk.
  std::string database();

  struct Node {
    std::filesystem::path file;  // key and certificate
    std::string serial;
  };
  Node make_node(const std::string& name, std::chrono::seconds life = std::chrono::hours(24)) const {
    return make_node(*authority_, name, life);
  }
  Node make_node(const hub::Authority& authority, const std::string& name, std::chrono::seconds life) const;

  mqtt::LinkOptions options(const std::filesystem::path& client_file, const std::string& client_id) const;
  RawClient raw(const std::filesystem::path& client_file) const;

 private:
  void start();

  TemporaryDirectory directory_;
  int port_ = free_port();
  boost::asio::io_context loop_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{loop_.get_executor()};
  std::optional<hub::Authority> authority_;
  std::optional<hub::BrokerCredentials> credentials_;
  std::unique_ptr<hub::Broker> broker_;
  std::vector<std::string> downs_;
  mutable int nodes_ = 0;
  int lists_ = 0;
};

}  // namespace hivemind::tests
