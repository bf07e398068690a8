#pragma once

#include <fstream>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "common/error.h"
#include "common/file.h"
#include "common/topics.h"
#include "hivemind/v1/manifest.pb.h"
#include "hub/hub.h"
#include "hub/store/schema.h"
#include "tests/support/catch.h"
#include "tests/support/git_repository.h"
#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

namespace hivemind::hub {

using namespace std::chrono_literals;
using tests::ContainsSubstring;

inline constexpr auto kLongest = 20s;

// A real Mosquitto that forgets everything when it ends.
class ForgetfulBroker {
 public:
  ForgetfulBroker() : port_(tests::free_port()) {
    std::ofstream(configuration()) << "listener " << port_
                                   << " 127.0.0.1\nallow_anonymous true\npersistence false\n";
    restart();
  }
  void restart() {
    process_.reset();
    process_.emplace(std::vector<std::string>{"/usr/sbin/mosquitto", "-c", configuration()});
  }
  std::string url() const { return "mqtt://127.0.0.1:" + std::to_string(port_); }

 private:
  std::string configuration() const { return directory_ / "mosquitto.conf"; }
  tests::TemporaryDirectory directory_;
  int port_;
  std::optional<tests::Process> process_;
};

// Hub, repository and broker, and a watcher that sees every manifest that is published.
class Fixture {
 public:
  Fixture() {
    write_stack("one");
    repository.write("stacks.yml", "stacks:\n  - {name: web, compose_file: web.yml}\n");
    repository.commit();
    config.git.url = repository.url();
    config.data_dir = directory / "data";
    config.listen = "127.0.0.1:0";
    config.broker_url = broker.url();
    mqtt::LinkOptions options;
    options.url = broker.url();
    options.client_id = "watcher";
    options.first_retry = 20ms;
    options.max_retry = 100ms;
    watcher = std::make_unique<mqtt::Link>(
        loop.get_executor(), options,
        std::vector<std::string>{std::string(topics::kAnyManifest), "hivemind/v1/nodes/+/acks"},
        mqtt::Link::Callbacks{[] {}, [](const std::string&) {}, [this](const mqtt::Message& m) { saw(m); }});
    watcher->start();
    run_until([&] { return watcher->up(); });
  }
  ~Fixture() {
    stop_hub();
    watcher->stop();
  }
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;

  void write_stack(const std::string& greeting) {
    repository.write("web.yml", "services:\n  app: {image: x, environment: {GREETING: " + greeting + "}}\n");
  }

  // A loop to each life of the hub, as to each process.
  void start_hub() {
    hub_loop = std::make_unique<boost::asio::io_context>(1);
    hub = std::make_unique<Hub>(hub_loop->get_executor(), config);
    hub->start();
    run_until([&] { return !hub->not_ready(); });
  }
  // As kill -9 would: nothing is flushed or said.
  void drop_hub() {
    hub.reset();
    hub_loop.reset();
  }
  void stop_hub() {
    if (!hub) return;
    bool stopped = false;
    hub->stop([&] { stopped = true; });
    run_until([&] { return stopped; });
    drop_hub();
  }

  template <typename Condition>
  void run_until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + kLongest;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) FAIL("it did not come to pass in time");
      step();
    }
  }
  void run_for(std::chrono::milliseconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end) step();
  }
  // That the broker has the node's manifest.
  void run_until_stored(const std::string& node) {
    run_until([&] {
      bool is_stored = false;
      sqlite::Database(config.data_dir / "hub.db", sqlite::Durability::kNormal, store_migrations())
          .each("SELECT published FROM manifests WHERE node = ?", {std::string_view(node)},
                [&](const sqlite::Row& row) { is_stored = row.integer(0) == 1; });
      return is_stored;
    });
  }
  void step() {
    loop.run_for(2ms);
    if (hub_loop) hub_loop->run_for(2ms);
  }

  SyncResult sync(ConfirmEmpty confirm = ConfirmEmpty::kNo) {
    std::optional<SyncResult> result;
    boost::asio::co_spawn(*hub_loop, hub->sync(confirm, RenewPins::kNo),
                          [&](std::exception_ptr failure, SyncResult answer) {
                            if (failure) std::rethrow_exception(failure);
                            result = std::move(answer);
                          });
    run_until([&] { return result.has_value(); });
    return *result;
  }
  // Nothing when it was refused.
  std::optional<SyncResult> resume() {
    std::optional<SyncResult> result;
    bool done = false;
    boost::asio::co_spawn(*hub_loop, hub->resume(), [&](std::exception_ptr failure, SyncResult answer) {
      done = true;
      if (!failure) result = std::move(answer);
    });
    run_until([&] { return done; });
    return result;
  }

  void report(const std::string& node, std::uint64_t generation = 0, const std::string& stamp = {},
              const std::string& hub_key = {}) {
    v1::Report message;
    message.set_node(node);
    message.mutable_received()->set_generation(generation);
    message.set_stamp(stamp);
    message.set_hub_key(hub_key);
    watcher->publish(topics::report(node), message.SerializeAsString(), true);
  }
  void saw(const mqtt::Message& message) {
    const auto topic = topics::parse_node_topic(message.topic);
    if (topic->kind == "acks") {
      v1::EventAck ack;
      ack.ParseFromString(message.payload);
      acknowledged[topic->node] = ack.sequence();
      return;
    }
    const VerifyKey key = VerifyKey::load(config.data_dir / "hub.pub");
    v1::Manifest manifest;
    manifest.ParseFromString(open_envelope(key, kManifestKind, message.payload));
    published.push_back(topic->node + "@" + std::to_string(manifest.generation()) + " " +
                        std::to_string(manifest.releases_size()));
    newest[topic->node] = manifest;
    stamps[topic->node] = stamp_of(message.payload);
  }

  tests::TemporaryDirectory directory;
  tests::GitRepository repository{directory / "repository"};
  ForgetfulBroker broker;
  boost::asio::io_context loop{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{loop.get_executor()};
  Config config;
  std::unique_ptr<mqtt::Link> watcher;
  std::vector<std::string> published;  // "node@generation releases", in the order of coming
  std::map<std::string, v1::Manifest> newest;
  std::map<std::string, std::string> stamps;  // of those
  std::map<std::string, std::uint64_t> acknowledged;
  std::unique_ptr<boost::asio::io_context> hub_loop;
  std::unique_ptr<Hub> hub;
};

using Strings = std::vector<std::string>;

}  // namespace hivemind::hub
