#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "common/envelope.h"
#include "common/mqtt/link.h"
#include "hivemind/v1/manifest.pb.h"
#include "hivemind/v1/report.pb.h"
#include "tests/support/engine_client.h"
#include "tests/support/kill_at_write.h"
#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

namespace hivemind::tests {

// One real agent process and a real Mosquitto; the test itself is the hub: it signs manifests, publishes them
// and reads the reports. What takes minutes with a hub takes seconds so.
class NodeRig {
 public:
  // engine_url: as in DOCKER_HOST. The engine is cleaned of the node's things at the end.
  explicit NodeRig(std::string engine_url);
  ~NodeRig();
  NodeRig(const NodeRig&) = delete;
  NodeRig& operator=(const NodeRig&) = delete;

  const std::string& node() const { return node_; }
  std::string stack() const { return "web-" + node_; }
  std::filesystem::path directory() const { return directory_.path(); }

  // Used by the starts that follow.
  std::filesystem::path data_directory;
  std::string agent_engine;  // what the agent takes for its engine
  std::string broker_url;
  std::map<std::string, std::string> environment;

  void start_agent();
  void kill_agent() { agent_->kill(); }
  Process& agent() { return *agent_; }
  // SIGTERM; how long it took to end, or nothing when it had to be killed after 15 s.
  std::optional<std::chrono::milliseconds> stop_agent();
  std::string log() const;

  void start_broker();
  void kill_broker() { broker_->kill(); }
  Process& broker() { return *broker_; }

  // Counts and kills at the store's and the files' boundaries (HIVEMIND_KILL_AT_WRITE is the library).
  WriteCount& writes() { return *writes_; }

  // Fills in node, generation (the next one) and revision.
  std::uint64_t publish(v1::Manifest manifest);
  std::uint64_t generation() const { return generation_; }
  // The manifests that follow are signed by a new key, which the old one has signed.
  void rotate_key();
  // As who has stolen a key that was left behind would publish it, with the next generation.
  void publish_by_first_key(v1::Manifest manifest);
  // That came since the last start of the agent.
  const std::optional<v1::Report>& report() const { return report_; }
  const std::vector<v1::Event>& events() const { return events_; }
  // The newest manifest is applied, as an agent says that runs now.
  bool applied() const;

  // Reads what the broker has, and looks, until it holds.
  bool wait(const std::function<bool()>& condition,
            std::chrono::milliseconds longest = std::chrono::seconds(20));

  const EngineClient& engine() const { return engine_; }
  std::map<std::string, EngineClient::Running> containers() const { return engine_.containers(node_); }
  // Takes all of the node's away from the engine.
  void clean() const { engine_.remove_all("com.hivemind.node=" + node_); }

 private:
  void connect();
  void publish(v1::Manifest manifest, const std::function<std::string(const std::string& payload)>& seal);
  void on_message(const mqtt::Message& message);

  TemporaryDirectory directory_;
  std::string node_;
  EngineClient engine_;
  SigningKey first_key_;
  Signer signer_;
  int port_;
  boost::asio::io_context loop_;
  // Without it the loop has nothing to do between two messages, and waiting for them takes a whole core.
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{loop_.get_executor()};
  std::unique_ptr<mqtt::Link> link_;
  // Manifests have a connection of their own: behind an acknowledgement of a report, one waits 40 ms for the
  // broker's delayed ACK.
  std::unique_ptr<mqtt::Link> sends_;
  std::optional<Process> broker_;
  std::optional<Process> agent_;
  WriteCount* writes_ = nullptr;
  std::uint64_t generation_ = 0;
  std::int64_t started_ms_ = 0;  // Unix time of the agent's last start
  std::optional<v1::Report> report_;
  std::vector<v1::Event> events_;
};

}  // namespace hivemind::tests
