// What stacks mount of the repository, and ports of the node that others have.
#include <chrono>
#include <fstream>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "common/descriptor.h"
#include "common/file.h"
#include "tests/support/catch.h"
#include "tests/support/fleet.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;

// The service 'app' with what is said of it, and 'db', which nothing of this concerns.
std::string with_app(const std::string& more) {
  return compose({{"db", "1"}}) + "  app:\n    image: " + test_image() + "\n" + more;
}

// A fleet of one node, whose stack 'web' is this.
class OneStack {
 public:
  explicit OneStack(const std::string& file) {
    fleet.repository().write("web.yml", file);
    fleet.repository().write("stacks.yml", "stacks:\n" + stack_entry(fleet, "web"));
  }
  void start() {
    fleet.repository().commit();
    fleet.start_hub();
    fleet.start_agent("a");
  }
  void converge() {
    fleet.repository().commit();
    fleet.converge();
  }
  std::string id(const std::string& service) const {
    return fleet.containers("a").at(fleet.container("web", service)).id;
  }
  // What the container of 'app' mounts there, as a path of this machine.
  std::filesystem::path mounted(const std::string& target) const {
    const auto container = fleet.engine().inspect(fleet.container("web", "app"));
    for (const auto& mount : container.at("Mounts")) {
      if (mount.at("Destination") == target) return mount.at("Source").get<std::string>();
    }
    throw std::runtime_error("nothing is mounted at " + target);
  }
  nlohmann::json report() const { return fleet.node_state("a").at("stack_reports").at(0); }
  // An empty object before the node has reported it.
  nlohmann::json service(const std::string& name) const {
    const auto answer = fleet.api().send("GET", "/api/v1/nodes/" + fleet.node("a"));
    const nlohmann::json node = nlohmann::json::parse(answer.body, nullptr, false);
    for (const auto& stack : node.value("stack_reports", nlohmann::json::array())) {
      for (const auto& each : stack.at("services")) {
        if (each.at("service") == name) return each;
      }
    }
    return nlohmann::json::object();
  }

  Fleet fleet;
};

std::set<std::string> names_in(const std::filesystem::path& directory) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    names.insert(entry.path().filename());
  return names;
}

Descriptor listen_on(int port) {
  Descriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(fd.get(), 1) == 0);
  return fd;
}

TEST_CASE("a directory that is mounted read-only is exactly what Git has", "[files]") {
  OneStack it(with_app("    volumes: ['./conf:/etc/app:ro']\n"));
  it.fleet.repository().write("conf/a", "1").write("conf/d/b", "1");
  it.start();
  it.converge();
  CHECK(names_in(it.mounted("/etc/app")) == std::set<std::string>{"a", "d"});
  const std::string app = it.id("app"), db = it.id("db");
  it.fleet.repository().write("conf/c", "2").remove("conf/a");
  it.converge();
  CHECK(names_in(it.mounted("/etc/app")) == std::set<std::string>{"c", "d"});
  CHECK(read_file(it.mounted("/etc/app") / "c") == "2");
  CHECK(it.id("app") != app);
  CHECK(it.id("db") == db);
}

TEST_CASE("a writable directory is seeded, and what the application changed stays and is named", "[files]") {
  OneStack it(with_app("    volumes: ['./conf:/etc/app', './one.yml:/one.yml']\n"));
  it.fleet.repository()
      .write("conf/a", "1")
      .write("conf/b", "1")
      .write("conf/gone", "1")
      .write("one.yml", "1");
  it.start();
  it.converge();
  const auto conf = it.mounted("/etc/app");
  CHECK(it.report().at("notices").empty());
  std::ofstream(conf / "b") << "mine";
  std::ofstream(conf / "own") << "mine";
  const std::string app = it.id("app"), db = it.id("db");
  it.fleet.repository().write("conf/a", "2").write("conf/b", "2").write("one.yml", "2").remove("conf/gone");
  it.converge();
  CHECK(it.mounted("/etc/app") == conf);
  CHECK(read_file(conf / "a") == "2");
  CHECK(read_file(conf / "b") == "mine");
  CHECK(names_in(conf) == std::set<std::string>{"a", "b", "own"});
  CHECK(read_file(it.mounted("/one.yml")) == "2");
  CHECK(it.id("app") != app);
  CHECK(it.id("db") == db);
  REQUIRE(wait_until([&] { return it.report().at("notices").size() == 2; }, 5s));
  const Outcome shown = it.fleet.cli({"node", "show", it.fleet.node("a")});
  CHECK_THAT(shown.output, ContainsSubstring("file_kept") && ContainsSubstring("conf/b"));
  std::filesystem::remove(conf / "b");
  it.fleet.kill_agent("a");
  it.fleet.restart_agent("a");
  CHECK(wait_until([&] { return std::filesystem::exists(conf / "b") && read_file(conf / "b") == "2"; }, 10s));
}

TEST_CASE("a port that another process has is told, and taken once it is free", "[files]") {
  const int port = free_port();
  OneStack it(with_app("    ports: ['127.0.0.1:" + std::to_string(port) + ":8080']\n"));
  auto foreign = std::make_unique<Descriptor>(listen_on(port));
  it.start();
  REQUIRE(wait_until([&] { return it.service("app").value("reason", "") == "port_taken"; }, 60s));
  const std::string text = it.service("app").at("text");
  CHECK_THAT(text, ContainsSubstring("port " + std::to_string(port)) &&
                       ContainsSubstring("which service 'app' publishes") &&
                       ContainsSubstring("a process outside Docker"));
  CHECK(it.service("db").value("state", "") == "running");
  foreign.reset();
  CHECK(wait_until([&] { return it.service("app").value("state", "") == "running"; }, 60s));
}

TEST_CASE("a port that another container has is told with the container's name", "[files]") {
  const int port = free_port();
  OneStack it(with_app("    ports: ['127.0.0.1:" + std::to_string(port) + ":8080']\n"));
  const std::string foreign = it.fleet.stack("foreign");
  const EngineClient& engine = it.fleet.engine();
  const nlohmann::json binding{{"HostIp", "127.0.0.1"}, {"HostPort", std::to_string(port)}};
  engine.create(foreign, {{"Image", test_image()},
                          {"ExposedPorts", {{"8080/tcp", nlohmann::json::object()}}},
                          {"HostConfig", {{"PortBindings", {{"8080/tcp", {binding}}}}}}});
  engine.start(foreign);
  it.start();
  const bool told = wait_until([&] { return it.service("app").value("reason", "") == "port_taken"; }, 60s);
  const auto service = it.service("app");
  engine.remove(foreign);
  REQUIRE(told);
  CHECK_THAT(service.at("text").get<std::string>(),
             ContainsSubstring("is taken by container '" + foreign + "'"));
  CHECK(wait_until([&] { return it.service("app").value("state", "") == "running"; }, 60s));
}

}  // namespace
}  // namespace hivemind::tests
