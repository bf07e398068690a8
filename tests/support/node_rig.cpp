#include "tests/support/node_rig.h"

#include <fstream>
#include <stdexcept>
#include <utility>

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/digest.h"
#include "common/file.h"
#include "common/topics.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

WriteCount* mapped(const fs::path& file) {
  std::ofstream(file) << std::string(sizeof(WriteCount), '\0');
  const int fd = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
  void* place = ::mmap(nullptr, sizeof(WriteCount), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (place == MAP_FAILED) throw std::runtime_error("'" + file.string() + "' cannot be mapped");
  return static_cast<WriteCount*>(place);
}

std::int64_t wall_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

}  // namespace

NodeRig::NodeRig(std::string engine_url)
    : agent_engine(engine_url),
      node_("n" + random_hex(3)),
      engine_(engine_url),
      first_key_(SigningKey::generate()),
      signer_(SigningKey::parse(first_key_.secret_text())),
      port_(free_port()) {
  data_directory = directory_ / "agent";
  broker_url = "mqtt://127.0.0.1:" + std::to_string(port_);
  std::ofstream(directory_ / "hub.pub") << first_key_.verify_key().text() << "\n";
  std::ofstream(directory_ / "mosquitto.conf")
      << "listener " << port_
      << " 127.0.0.1\nallow_anonymous true\npersistence false\nmax_queued_messages 0\n"
      << "set_tcp_nodelay true\n";  // else each exchange of small messages waits 40 ms for a delayed ACK
  writes_ = mapped(directory_ / "writes");
  start_broker();
}

NodeRig::~NodeRig() {
  if (agent_) {
    agent_->signal(SIGCONT);
    agent_->kill();
  }
  ::munmap(writes_, sizeof(WriteCount));
  try {
    clean();
  } catch (const std::exception&) {
    // The engine may be one that is gone; a destructor has nobody to tell.
  }
}

void NodeRig::start_broker() {
  broker_.emplace(std::vector<std::string>{"/usr/sbin/mosquitto", "-c", directory_ / "mosquitto.conf"},
                  Process::Options{directory_ / "broker.log", {}});
  connect();
}

void NodeRig::connect() {
  mqtt::LinkOptions options{
      .url = "mqtt://127.0.0.1:" + std::to_string(port_), .client_id = "hub-of-" + node_, .will = {}};
  options.first_retry = 20ms;
  options.max_retry = 100ms;
  link_ = std::make_unique<mqtt::Link>(
      loop_.get_executor(), options, std::vector<std::string>{topics::report(node_), topics::events(node_)},
      mqtt::Link::Callbacks{[] {}, [](const std::string&) {},
                            [this](mqtt::Message message) { on_message(message); }});
  link_->start();
  options.client_id += "-sends";
  sends_ = std::make_unique<mqtt::Link>(
      loop_.get_executor(), options, std::vector<std::string>{},
      mqtt::Link::Callbacks{[] {}, [](const std::string&) {}, [](const mqtt::Message&) {}});
  sends_->start();
  if (!wait([this] { return link_->up() && sends_->up(); }))
    throw std::runtime_error("the broker does not come up");
}

void NodeRig::on_message(const mqtt::Message& message) {
  if (message.topic == topics::events(node_)) {
    v1::EventBatch batch;
    if (!batch.ParseFromString(message.payload)) return;
    for (const v1::Event& event : batch.events()) events_.push_back(event);
    v1::EventAck ack;
    ack.set_stream(batch.stream());
    if (batch.events_size() > 0) ack.set_sequence(batch.events(batch.events_size() - 1).sequence());
    link_->publish(topics::acks(node_), ack.SerializeAsString(), true);
    return;
  }
  v1::Report report;
  if (message.retained || !report.ParseFromString(message.payload)) return;
  // One that was killed may still be heard. (An agent with a clock of its own is never started a second
  // time.)
  const bool has_own_clock = environment.contains("FAKETIME");
  if (!has_own_clock && report.reported_at_ms() <= started_ms_) return;
  report_ = std::move(report);
}

void NodeRig::start_agent() {
  report_.reset();
  started_ms_ = wall_ms();
  std::map<std::string, std::string> variables = environment;
  variables["DOCKER_HOST"] = agent_engine;
  variables[kKillFileVariable] = directory_ / "writes";
  variables.emplace(kKillBelowVariable, data_directory.string());
  agent_.emplace(
      std::vector<std::string>{std::string(HIVEMIND_BIN) + "/hivemind-agent", "--node", node_, "--broker",
                               broker_url, "--hub-key", directory_ / "hub.pub", "--data-dir", data_directory},
      Process::Options{directory_ / "agent.log", variables});
}

std::optional<std::chrono::milliseconds> NodeRig::stop_agent() {
  const auto begin = Clock::now();
  agent_->signal(SIGTERM);
  if (!agent_->wait(15s)) {
    agent_->kill();
    return std::nullopt;
  }
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin);
}

std::string NodeRig::log() const {
  constexpr std::size_t kMost = 6000;
  std::string text = read_file(directory_ / "agent.log");
  return text.size() > kMost ? "…" + text.substr(text.size() - kMost) : text;
}

void NodeRig::rotate_key() {
  SigningKey next = SigningKey::generate();
  Successions successions = signer_.successions();
  successions.push_back(succeed(signer_.key(), next.verify_key()));
  signer_ = Signer(std::move(next), std::move(successions));
}

std::uint64_t NodeRig::publish(v1::Manifest manifest) {
  publish(std::move(manifest),
          [this](const std::string& payload) { return signer_.seal(kManifestKind, payload); });
  return generation_;
}

void NodeRig::publish_by_first_key(v1::Manifest manifest) {
  publish(std::move(manifest),
          [this](const std::string& payload) { return seal_envelope(first_key_, kManifestKind, payload); });
}

void NodeRig::publish(v1::Manifest manifest,
                      const std::function<std::string(const std::string& payload)>& seal) {
  manifest.set_node(node_);
  manifest.set_generation(++generation_);
  manifest.set_revision(std::string(39, 'a') + static_cast<char>('0' + generation_ % 10));
  const std::string envelope = seal(manifest.SerializeAsString());
  if (!sends_->publish(topics::manifest(node_), envelope, true)) throw std::runtime_error("not published");
}

bool NodeRig::applied() const {
  return report_ && report_->applied().generation() == generation_ &&
         report_->received().generation() == generation_;
}

bool NodeRig::wait(const std::function<bool()>& condition, std::chrono::milliseconds longest) {
  const auto deadline = Clock::now() + longest;
  for (;;) {
    loop_.restart();
    loop_.run_one_for(2ms);
    loop_.poll();
    if (condition()) return true;
    if (Clock::now() >= deadline) return false;
  }
}

}  // namespace hivemind::tests
