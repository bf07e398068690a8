// The hub with its broker and an enrolled node, over the wire: as processes, by HTTP and MQTT.
#include <csignal>
#include <fstream>
#include <optional>
#include <thread>

#include <sys/stat.h>

#include "common/error.h"
#include "common/file.h"
#include "common/sealing.h"
#include "common/x509/x509.h"
#include "hivemind/v1/report.pb.h"
#include "tests/integration/wire/raw_client.h"
#include "tests/support/blocking_http.h"
#include "tests/support/catch.h"
#include "tests/support/git_repository.h"
#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

const std::string kManifest = "hivemind/v1/nodes/a/manifest";
const std::string kReport = "hivemind/v1/nodes/a/report";

using Topics = std::set<std::string>;

class TrustedHub {
 public:
  TrustedHub() {
    repository_.write("web.yml", "services:\n  app: {image: x}\n");
    repository_.write("stacks.yml", "stacks:\n  - {name: web, compose_file: web.yml}\n");
    repository_.commit();
    start();
  }

  void start() {
    process_.emplace(
        std::vector<std::string>{HIVEMIND_HUB, "--git-url", repository_.url(), "--data-dir", data(),
                                 "--listen", "127.0.0.1:" + std::to_string(api_port_), "--broker-listen",
                                 "127.0.0.1:" + std::to_string(broker_port_), "--broker-tls", "on"},
        Process::Options{directory_ / "log", {}});
    const auto ready = [&] {
      try {
        return BlockingHttp(url()).send("GET", "/readyz").status == 200;
      } catch (const Error&) {
        return false;
      }
    };
    INFO(log());
    REQUIRE(wait_until(ready, 30s));
  }
  void stop() {
    ::kill(process_->pid(), SIGTERM);
    REQUIRE(wait_until([&] { return !process_->running(); }, 15s));
  }

  json ask(const std::string& target, const json& body) const {
    std::ifstream file(data() / "admin.token");
    std::string token;
    file >> token;
    return BlockingHttp(url(), {{"Authorization", "Bearer " + token}}).json("POST", target, body.dump());
  }

  // Enrols a machine as node a; its key and certificate in a file.
  std::filesystem::path enrol() {
    const std::string text = ask("/api/v1/enrolment/tokens", json::object()).at("text");
    const std::string credential = text.substr(text.find('.', text.find('.') + 1) + 1);
    const x509::PrivateKey key = x509::PrivateKey::generate();
    const json answer = ask("/api/v1/enroll", {{"token", credential},
                                               {"csr", x509::Request::make(key, "a").pem()},
                                               {"sealing_key", OpenKey::generate().seal_key().text()},
                                               {"node", "a"},
                                               {"facts", json::object()}});
    CHECK(answer.at("broker") == "mqtts://:" + std::to_string(broker_port_));
    const auto file = directory_ / ("node" + std::to_string(++nodes_) + ".pem");
    write_file_durably(file, key.pem() + answer.at("certificate").get<std::string>(), 0600);
    return file;
  }

  RawClient client(const std::filesystem::path& file) const {
    return RawClient({broker_port_, data() / "ca.pem", file});
  }
  // The topics where the broker keeps something, at last. Seen as the hub itself, whose place at the broker
  // this takes: the hub may not have got to it before that, and gets time to come back.
  Topics left_of(const std::vector<std::string>& topics) const {
    Topics left;
    for (int looks = 0; looks == 0 || (looks < 5 && !left.empty()); ++looks) {
      if (looks > 0) std::this_thread::sleep_for(3s);
      RawClient late = client(data() / "broker" / "hub.pem");
      REQUIRE(late.connect());
      late.subscribe(topics);
      REQUIRE(late.ping());
      left.clear();
      for (const RawClient::Message& message : late.messages()) left.insert(message.topic);
    }
    return left;
  }
  std::filesystem::path data() const { return directory_ / "data"; }
  std::string log() const {
    return std::filesystem::exists(directory_ / "log") ? read_file(directory_ / "log") : "";
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(api_port_); }

 private:
  TemporaryDirectory directory_;
  GitRepository repository_{directory_ / "repository"};
  int api_port_ = free_port();
  int broker_port_ = free_port();
  int nodes_ = 0;
  std::optional<Process> process_;
};

std::string report_of(const std::string& node) {
  v1::Report report;
  report.set_node(node);
  report.set_reported_at_ms(1);
  return report.SerializeAsString();
}

// The node has got its manifest; false when it is cut off.
bool gets_manifest(RawClient& node) {
  return wait_until([&] { return !node.ping() || !node.messages().empty(); }, 15s) &&
         !node.messages().empty();
}

}  // namespace

TEST_CASE("an enrolled node gets its manifest over mutual TLS, and nothing any more once it is revoked",
          "[wire]") {
  TrustedHub hub;
  const auto file = hub.enrol();
  RawClient node = hub.client(file);
  REQUIRE(node.connect({.clean = false}));
  node.subscribe({kManifest});
  node.publish(kReport, report_of("a"), true);
  REQUIRE(gets_manifest(node));

  const json answer = hub.ask("/api/v1/nodes/a/revoke", json::object());
  CHECK_FALSE(answer.contains("to_do"));
  CHECK(wait_until([&] { return !node.ping(); }, 20s));
  CHECK_FALSE(hub.client(file).connect({.clean = false}));
  CHECK_FALSE(hub.client("").connect());

  CHECK(hub.left_of({kManifest, "hivemind/v1/nodes/a/acks", kReport}) == Topics{});

  hub.stop();
  hub.start();
  CHECK_FALSE(hub.client(file).connect({.clean = false}));
  CHECK(hub.left_of({kManifest, "hivemind/v1/nodes/a/acks", kReport}) == Topics{});
}

TEST_CASE("a reply that a node has the broker keep is taken away when the hub next sees it", "[wire]") {
  TrustedHub hub;
  RawClient node = hub.client(hub.enrol());
  REQUIRE(node.connect());
  const std::string reply = "hivemind/v1/nodes/a/replies/0123";
  node.publish(reply, std::string(100'000, 'x'), true);
  REQUIRE(node.ping());
  hub.stop();
  hub.start();
  CHECK(hub.left_of({reply}) == Topics{});
}

TEST_CASE("what names another node in its payload than in its topic is not believed", "[wire]") {
  TrustedHub hub;
  RawClient node = hub.client(hub.enrol());
  REQUIRE(node.connect());
  node.publish(kReport, report_of("b"), true);
  REQUIRE(node.ping());
  CHECK(wait_until(
      [&] { return hub.log().find("it names another node than its topic") != std::string::npos; }, 10s));
}

TEST_CASE("the files for a broker of one's own are whole, and make one that works", "[wire]") {
  TrustedHub hub;
  const TemporaryDirectory directory;
  const int port = free_port();
  const json files = hub.ask("/api/v1/broker/config", {{"listen", "127.0.0.1:" + std::to_string(port)},
                                                       {"directory", directory.path().string()}})
                         .at("files");
  for (const auto& [name, content] : files.items())
    write_file_durably(directory / name, content.get<std::string>(), 0600);
  // As an operator would: with the user and the place of messages of his own.
  std::ofstream(directory / "mosquitto.conf")
      << "user root\npersistence_location " << directory.path().string() << "/\ninclude_dir "
      << (directory / "conf.d").string() << "\n";
  std::filesystem::create_directory(directory / "conf.d");
  std::filesystem::copy_file(directory / "hivemind.conf", directory / "conf.d" / "hivemind.conf");
  const Process mosquitto({"/usr/sbin/mosquitto", "-c", directory / "mosquitto.conf"},
                          Process::Options{directory / "log", {}});
  const auto file = hub.enrol();
  const auto client = [&](const std::filesystem::path& identity) {
    return RawClient({port, hub.data() / "ca.pem", identity});
  };
  CHECK(wait_until([&] { return client(file).connect(); }, 10s));
  INFO(read_file(directory / "log"));
  CHECK_FALSE(client("").connect());
  CHECK(client(hub.data() / "broker" / "hub.pem").connect());
}

}  // namespace hivemind::tests
