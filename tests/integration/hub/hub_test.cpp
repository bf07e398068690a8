#include "hub/hub.h"

#include <fstream>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "common/error.h"
#include "common/topics.h"
#include "hivemind/v1/manifest.pb.h"
#include "tests/support/catch.h"
#include "tests/support/git_repository.h"
#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;
using namespace hivemind::hub;
using namespace std::chrono_literals;
using tests::ContainsSubstring;

namespace {

constexpr auto kLongest = 20s;

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

  void report(const std::string& node, std::uint64_t generation = 0) {
    v1::Report message;
    message.set_node(node);
    message.mutable_received()->set_generation(generation);
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
  std::map<std::string, std::uint64_t> acknowledged;
  std::unique_ptr<boost::asio::io_context> hub_loop;
  std::unique_ptr<Hub> hub;
};

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE_METHOD(Fixture, "a node that reports gets its manifest, and a commit the next one") {
  start_hub();
  report("pi-1");
  run_until([&] { return published == Strings{"pi-1@1 1"}; });
  CHECK(newest["pi-1"].revision() == repository.head());
  write_stack("two");
  const std::string second = repository.commit();
  const SyncResult result = sync();
  CHECK(result.state == SyncResult::State::kApplied);
  CHECK(result.changed);
  CHECK(result.published == Strings{"pi-1"});
  run_until([&] { return published.size() == 2; });
  CHECK(newest["pi-1"].revision() == second);
  CHECK(sync().state == SyncResult::State::kUnchanged);
  run_for(300ms);
  CHECK(published.size() == 2);
}

TEST_CASE_METHOD(Fixture, "a commit that changes nothing of a node publishes nothing") {
  start_hub();
  report("pi-1");
  run_until([&] { return published.size() == 1; });
  repository.write("README", "hello");
  repository.commit();
  CHECK(sync().published.empty());
  CHECK(hub->status().desired.revision == repository.head());
  CHECK(hub->inventory().find("pi-1")->desired.revision != repository.head());
}

TEST_CASE_METHOD(Fixture, "a node that stacks.yml names gets its manifest before it was ever seen") {
  repository.write(
      "stacks.yml",
      "stacks:\n  - {name: web, compose_file: web.yml, nodes: {ids: [pi-new]}}\nnodes: {pi-other: {}}\n");
  repository.commit();
  start_hub();
  run_until([&] { return published == Strings{"pi-new@1 1", "pi-other@1 0"}; });
}

TEST_CASE_METHOD(Fixture, "a hub that ends without warning and starts again publishes nothing anew") {
  start_hub();
  report("pi-1");
  run_until([&] { return published.size() == 1; });
  run_for(200ms);  // the acknowledgement is stored
  drop_hub();
  start_hub();
  run_for(2500ms);  // longer than it looks at what the broker has
  CHECK(published == Strings{"pi-1@1 1"});
  CHECK(hub->inventory().find("pi-1")->stacks.count("web") == 1);
}

TEST_CASE_METHOD(Fixture, "a manifest that was stored and not sent is sent after a restart") {
  start_hub();
  report("pi-1");
  run_until([&] {
    return hub->inventory().find("pi-1") && hub->inventory().find("pi-1")->desired.generation == 1;
  });
  drop_hub();
  published.clear();
  start_hub();
  run_until([&] { return !published.empty(); });
  CHECK(published.front() == "pi-1@1 1");
}

TEST_CASE_METHOD(Fixture, "a broker that has lost what it kept is given it again") {
  start_hub();
  report("pi-1");
  run_until([&] { return published.size() == 1; });
  run_for(200ms);
  broker.restart();
  run_until([&] { return published.size() == 2; });
  CHECK(published.back() == "pi-1@1 1");
  run_for(1500ms);
  CHECK(published.size() == 2);
}

TEST_CASE_METHOD(Fixture, "a hub that has lost its database goes on above what nodes and broker have") {
  start_hub();
  report("pi-1");
  run_until([&] { return published.size() == 1; });
  write_stack("two");
  repository.commit();
  sync();
  run_until([&] { return published.size() == 2; });
  report("pi-1", 2);
  run_for(200ms);
  stop_hub();
  for (const char* file : {"hub.db", "hub.db-wal", "hub.db-shm"})
    std::filesystem::remove(config.data_dir / file);
  write_stack("three");
  repository.commit();
  start_hub();
  run_until(
      [&] { return newest["pi-1"].generation() > 2 && newest["pi-1"].revision() == repository.head(); });
}

TEST_CASE_METHOD(Fixture, "while the newest revision is refused, new nodes get what the last good one says") {
  start_hub();
  report("pi-1");
  run_until([&] { return published.size() == 1; });
  const std::string good = repository.head();
  repository.write("stacks.yml", "stacks: [");
  repository.commit();
  const SyncResult refused = sync();
  CHECK(refused.state == SyncResult::State::kInvalid);
  CHECK_FALSE(refused.diagnostics.empty());
  report("pi-2");
  run_until([&] { return newest.count("pi-2") == 1; });
  CHECK(newest["pi-2"].revision() == good);
  CHECK(hub->status().desired.state == DesiredStatus::State::kInvalid);
  CHECK_FALSE(hub->status().diagnostics.empty());
}

TEST_CASE_METHOD(Fixture, "a commit without stacks is held until it is confirmed, also over a restart") {
  start_hub();
  report("pi-1");
  run_until([&] { return published.size() == 1; });
  SECTION("an empty list") {
    repository.write("stacks.yml", "stacks: []\n");
  }
  SECTION("a deleted file") {
    repository.remove("stacks.yml");
  }
  const std::string empty = repository.commit();
  CHECK(sync().state == SyncResult::State::kHeld);
  CHECK(sync().state == SyncResult::State::kHeld);
  stop_hub();
  start_hub();
  run_until([&] { return hub->status().desired.state == DesiredStatus::State::kHeld; });
  CHECK(published.size() == 1);
  CHECK(sync(ConfirmEmpty::kYes).published == Strings{"pi-1"});
  run_until([&] { return published.back() == "pi-1@2 0"; });
  CHECK(hub->status().desired.revision == empty);
}

TEST_CASE_METHOD(Fixture, "events are acknowledged when they are stored, again when they are sent again") {
  start_hub();
  v1::EventBatch batch;
  batch.set_node("pi-1");
  batch.set_stream("s");
  for (std::uint64_t i = 1; i <= 3; ++i) batch.add_events()->set_sequence(i);
  watcher->publish(topics::events("pi-1"), batch.SerializeAsString(), false);
  run_until([&] { return acknowledged["pi-1"] == 3; });
  CHECK(hub->events({}).size() == 3);
  acknowledged.clear();
  drop_hub();
  start_hub();
  watcher->publish(topics::events("pi-1"), batch.SerializeAsString(), false);
  run_until([&] { return acknowledged["pi-1"] == 3; });
  CHECK(hub->events({}).size() == 3);
}

TEST_CASE_METHOD(Fixture, "a repository that cannot be read is told, tried again, and changes nothing") {
  start_hub();
  report("pi-1");
  run_until([&] { return published.size() == 1; });
  const std::filesystem::path away = directory / "away";
  std::filesystem::rename(repository.path(), away);
  const SyncResult failed = sync();
  CHECK(failed.state == SyncResult::State::kFetchFailed);
  CHECK_FALSE(failed.error.empty());
  CHECK(hub->status().git.state == GitStatus::State::kFailed);
  CHECK(hub->status().git.retry_at.has_value());
  CHECK_FALSE(hub->status().git.revision.empty());
  std::filesystem::rename(away, repository.path());
  run_until([&] { return hub->status().git.state == GitStatus::State::kOk; });
  CHECK(published.size() == 1);
}

TEST_CASE_METHOD(Fixture, "a second hub on the same data directory is refused") {
  start_hub();
  try {
    const Hub second(loop.get_executor(), config);
    FAIL("it was not refused");
  } catch (const Error& error) {
    CHECK_THAT(std::string(error.what()), ContainsSubstring("in use by another hub"));
  }
}
