#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "agent/engine/docker_engine.h"
#include "common/error.h"
#include "tests/integration/engine/live_engine.h"
#include "tests/support/catch.h"
#include "tests/support/process.h"

// The contract of agent/engine/engine.h against the engine of DOCKER_HOST.
namespace hivemind::agent {
namespace {

using namespace std::chrono_literals;
using tests::ContainsSubstring;
using tests::LiveEngine;

constexpr const char* kForever = "trap 'exit 0' TERM; echo ready; while :; do sleep 0.1; done";

std::optional<Error> error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

void check_fails(const std::optional<Error>& error, ErrorCode code, const std::string& words) {
  REQUIRE(error.has_value());
  CHECK(to_string(error->code()) == to_string(code));
  CHECK_THAT(error->what(), ContainsSubstring(words));
}

const Container* find(const Observed& observed, const std::string& name) {
  const auto found = std::find_if(observed.containers.begin(), observed.containers.end(),
                                  [&](const Container& container) { return container.name == name; });
  return found == observed.containers.end() ? nullptr : &*found;
}

// The events of a watch, and the loop run until one of them is there.
class Watch {
 public:
  explicit Watch(LiveEngine& live) : live_(live) {
    boost::asio::co_spawn(
        live.loop,
        live.engine.watch([this] { open_ = true; },
                          [this](EngineEvent event) { events.push_back(std::move(event)); }),
        boost::asio::bind_cancellation_slot(cancel_.slot(), [this](std::exception_ptr) { ended_ = true; }));
    run_until([this] { return open_; });
  }

  ~Watch() {
    cancel_.emit(boost::asio::cancellation_type::terminal);
    run_until([this] { return ended_; });
  }

  bool saw(const std::string& type, const std::string& action, const std::string& id) {
    return run_until([&] {
      return std::any_of(events.begin(), events.end(), [&](const EngineEvent& event) {
        return event.type == type && event.action == action && event.id == id;
      });
    });
  }

  std::vector<EngineEvent> events;

 private:
  bool run_until(const std::function<bool()>& is_met) {
    const auto end = std::chrono::steady_clock::now() + 10s;
    live_.loop.restart();
    while (!is_met() && std::chrono::steady_clock::now() < end) live_.loop.run_one_for(100ms);
    return is_met();
  }

  LiveEngine& live_;
  boost::asio::cancellation_signal cancel_;
  bool open_ = false;
  bool ended_ = false;
};

}  // namespace

TEST_CASE("the engine tells its version, and the older of the two is spoken") {
  if (!LiveEngine::is_reachable()) return;
  LiveEngine live;
  const auto engine = live.await(live.engine.negotiate());
  CHECK_FALSE(engine.version.empty());
  CHECK_FALSE(engine.architecture.empty());
  CHECK(engine.os == "linux");
  CHECK_FALSE(engine.kernel.empty());
  CHECK(engine.root_directory.starts_with('/'));
  CHECK_FALSE(engine.log_driver.empty());
  CHECK(engine.cpus > 0);
  CHECK(engine.memory_bytes > 0);
  CHECK(engine.api >= ApiVersion{1, 41});
  CHECK(engine.api <= ApiVersion{1, 56});
}

TEST_CASE("a container is made, started, observed, stopped and removed") {
  if (!LiveEngine::is_reachable()) return;
  LiveEngine live;
  const std::string name = live.name("life");
  const auto made = live.await(live.engine.create_container(
      name, "",
      live.body(kForever, R"(,"HostConfig":{"Memory":33554432,"NanoCpus":500000000,)"
                          R"("RestartPolicy":{"Name":"on-failure","MaximumRetryCount":3}})")));
  CHECK(made.id.size() == 64);

  auto observed = live.await(live.engine.observe());
  const Container* container = find(observed, name);
  REQUIRE(container != nullptr);
  CHECK(container->id == made.id);
  CHECK(container->image == live.image());
  CHECK(container->image_id == live.await(live.engine.image_id(live.image())).value());
  CHECK((container->status == ContainerStatus::kCreated));
  CHECK(container->labels.at(labels::kNode) == live.node);
  CHECK(container->memory == 33554432);
  CHECK(container->nano_cpus == 500000000);
  CHECK(container->restart_policy == "on-failure:3");
  CHECK(container->networks == std::vector<std::string>{"bridge"});
  CHECK(container->started_at == "0001-01-01T00:00:00Z");

  live.await(live.engine.start_container(made.id));
  live.await(live.engine.start_container(made.id));
  observed = live.await(live.engine.observe());
  REQUIRE(find(observed, name) != nullptr);
  CHECK((find(observed, name)->status == ContainerStatus::kRunning));
  CHECK((find(observed, name)->health == Health::kNone));

  // Before that it knows of no trap.
  REQUIRE(tests::wait_until(
      [&] { return live.await(live.engine.container_log(made.id, 1)).starts_with("ready"); }, 20s));
  live.await(live.engine.stop_container(made.id, std::nullopt));
  live.await(live.engine.stop_container(made.id, std::nullopt));
  observed = live.await(live.engine.observe());
  REQUIRE(find(observed, name) != nullptr);
  CHECK((find(observed, name)->status == ContainerStatus::kExited));
  CHECK(find(observed, name)->exit_code == 0);

  live.await(live.engine.remove_container(made.id, false));
  live.await(live.engine.remove_container(made.id, false));
  CHECK(find(live.await(live.engine.observe()), name) == nullptr);
}

TEST_CASE("an exit code, a failed probe and a failed start are observed") {
  if (!LiveEngine::is_reachable()) return;
  LiveEngine live;
  live.await(live.engine.start_container(live.make("exit", "exit 7")));
  const std::string probed = live.make(
      "probe", kForever,
      R"(,"Healthcheck":{"Test":["CMD","/bin/sh","-c","echo not well; exit 1"],"Interval":100000000,"Retries":1})");
  live.await(live.engine.start_container(probed));
  const std::string broken = live.make("broken", "true", R"(,"Entrypoint":["/no/such/program"])");
  CHECK(error_of([&] { live.await(live.engine.start_container(broken)); }).has_value());
  Observed observed;
  for (int i = 0; i < 400; ++i) {
    observed = live.await(live.engine.observe());
    const bool is_settled = (find(observed, live.name("exit"))->status == ContainerStatus::kExited) &&
                            (find(observed, live.name("probe"))->health == Health::kUnhealthy);
    if (is_settled) break;
    live.loop.restart();
    live.loop.run_for(50ms);
  }
  CHECK(find(observed, live.name("exit"))->exit_code == 7);
  CHECK((find(observed, live.name("probe"))->health == Health::kUnhealthy));
  CHECK(find(observed, live.name("probe"))->health_text == "not well");
  CHECK_THAT(find(observed, live.name("broken"))->error, ContainsSubstring("/no/such/program"));
}

TEST_CASE("a container is paused by hand and goes on, and gets another name") {
  if (!LiveEngine::is_reachable()) return;
  LiveEngine live;
  const std::string id = live.make("first", kForever);
  live.await(live.engine.start_container(id));
  REQUIRE(live.raw("POST", "/containers/" + id + "/pause").ok());
  CHECK((find(live.await(live.engine.observe()), live.name("first"))->status == ContainerStatus::kPaused));
  live.await(live.engine.unpause_container(id));
  live.await(live.engine.rename_container(id, live.name("second")));
  const auto observed = live.await(live.engine.observe());
  CHECK(find(observed, live.name("first")) == nullptr);
  REQUIRE(find(observed, live.name("second")) != nullptr);
  CHECK((find(observed, live.name("second"))->status == ContainerStatus::kRunning));
  live.await(live.engine.remove_container(id, true));
}

TEST_CASE("what does not carry the label of the node is not seen") {
  if (!LiveEngine::is_reachable()) return;
  LiveEngine live;
  live.make("ours", "true");
  DockerEngine other(live.loop.get_executor(), live.address, live.node + "-other");
  CHECK(live.await(other.observe()).containers.empty());
  CHECK(live.await(live.engine.observe()).containers.size() == 1);
}

TEST_CASE("networks are found by their exact name, joined, and removed") {
  if (!LiveEngine::is_reachable()) return;
  LiveEngine live;
  const std::string name = live.name("net");
  const agent::Created network = live.await(live.engine.create_network(
      R"({"Name":")" + name + R"(","CheckDuplicate":true,"Labels":)" + live.labels() + "}"));
  CHECK(live.await(live.engine.network_exists(name)));
  CHECK_FALSE(live.await(live.engine.network_exists(name.substr(0, name.size() - 1))));
  check_fails(error_of([&] {
                live.await(live.engine.create_network(R"({"Name":")" + name + R"(","CheckDuplicate":true})"));
              }),
              ErrorCode::kConflict, "already exists");

  const std::string id = live.make("member", kForever);
  live.await(live.engine.connect_network(name, id, R"({"Aliases":["member"]})"));
  auto observed = live.await(live.engine.observe());
  REQUIRE(observed.networks.size() == 1);
  CHECK(observed.networks[0].id == network.id);
  CHECK(observed.networks[0].name == name);
  CHECK(observed.networks[0].labels.at(labels::kNode) == live.node);
  CHECK(find(observed, live.name("member"))->networks == std::vector<std::string>{"bridge", name});

  live.await(live.engine.remove_container(id, true));
  live.await(live.engine.remove_network(network.id));
  live.await(live.engine.remove_network(network.id));
  CHECK_FALSE(live.await(live.engine.network_exists(name)));
}

TEST_CASE("named volumes are made once and outlive their container") {
  if (!LiveEngine::is_reachable()) return;
  LiveEngine live;
  const std::string name = live.name("volume");
  CHECK_FALSE(live.await(live.engine.volume_exists(name)));
  live.await(live.engine.create_volume(R"({"Name":")" + name + R"(","Labels":)" + live.labels() + "}"));
  const std::string id = live.make("user", "true", R"(,"HostConfig":{"Binds":[")" + name + R"(:/data"]})");
  live.await(live.engine.remove_container(id, true));
  CHECK(live.await(live.engine.volume_exists(name)));
  const auto observed = live.await(live.engine.observe());
  REQUIRE(observed.volumes.size() == 1);
  CHECK(observed.volumes[0].name == name);
  CHECK(observed.volumes[0].labels.at(labels::kNode) == live.node);
}

TEST_CASE("a volume goes when nobody uses it") {
  if (!LiveEngine::is_reachable()) return;
  LiveEngine live;
  const std::string name = live.name("volume");
  live.await(live.engine.create_volume(R"({"Name":")" + name + R"(","Labels":)" + live.labels() + "}"));
  const std::string id = live.make("user", "true", R"(,"HostConfig":{"Binds":[")" + name + R"(:/data"]})");
  check_fails(error_of([&] { live.await(live.engine.remove_volume(name)); }), ErrorCode::kConflict, name);
  live.await(live.engine.remove_container(id, true));
  live.await(live.engine.remove_volume(name));
  CHECK_FALSE(live.await(live.engine.volume_exists(name)));
  live.await(live.engine.remove_volume(name));
}

TEST_CASE("an image goes when no container uses it, one name after the other") {
  if (!LiveEngine::is_reachable()) return;
  LiveEngine live;
  const std::string other = live.node + ":2";
  REQUIRE(live.raw("POST", "/images/" + live.image() + "/tag?repo=" + live.node + "&tag=2").ok());
  const std::string image = live.await(live.engine.image_id(live.image())).value();
  const auto find_image = [&]() -> std::optional<EngineImage> {
    for (const EngineImage& one : live.await(live.engine.images())) {
      if (one.id == image) return one;
    }
    return std::nullopt;
  };
  const auto found = find_image();
  REQUIRE(found.has_value());
  CHECK(found->references == std::vector<std::string>{live.image(), other});
  CHECK(found->size_bytes > 0);

  const std::string container = live.make("user", "true");
  CHECK(live.await(live.engine.observe()).containers.at(0).image_digest.empty());
  live.await(live.engine.remove_image(other));
  check_fails(error_of([&] { live.await(live.engine.remove_image(live.image())); }), ErrorCode::kConflict,
              live.image());
  check_fails(error_of([&] { live.await(live.engine.remove_image(image)); }), ErrorCode::kConflict, image);
  live.await(live.engine.remove_container(container, true));
  live.await(live.engine.remove_image(live.image()));
  CHECK_FALSE(find_image().has_value());
  live.await(live.engine.remove_image(live.image()));
  live.await(live.engine.remove_image(image));
}

TEST_CASE("images are looked up, and a pull that cannot succeed says why") {
  if (!LiveEngine::is_reachable()) return;
  LiveEngine live;
  CHECK(live.await(live.engine.image_id(live.image())).value_or("").starts_with("sha256:"));
  CHECK_FALSE(live.await(live.engine.image_id(live.node + ":absent")).has_value());
  // A registry that nobody listens at: the engine is asked, and says what its registry said.
  const std::string nowhere = "127.0.0.1:1/none:1";
  check_fails(error_of([&] { live.await(live.engine.pull({nowhere}, [](PullProgress) {})); }),
              ErrorCode::kUnavailable, "pull image '127.0.0.1:1/none:1': ");
  check_fails(error_of([&] { live.await(live.engine.pull({"Not A Reference"}, nullptr)); }),
              ErrorCode::kInvalid, "is no image reference");
}

TEST_CASE("the engine's refusals come with its own words and a code to act on") {
  if (!LiveEngine::is_reachable()) return;
  LiveEngine live;
  const std::string id = live.make("taken", "true");
  check_fails(error_of([&] { live.make("taken", "true"); }), ErrorCode::kConflict, "is already in use");
  check_fails(error_of([&] { live.await(live.engine.start_container(live.name("absent"))); }),
              ErrorCode::kNotFound, "start container '" + live.name("absent") + "': ");
  check_fails(error_of([&] {
                live.await(live.engine.create_container(live.name("x"), "", R"({"Image":"no/such:1"})"));
              }),
              ErrorCode::kNotFound, "no/such:1");
  const auto broken = error_of([&] { live.await(live.engine.create_container(live.name("x"), "", "{")); });
  REQUIRE(broken.has_value());
  CHECK_THAT(broken->what(), ContainsSubstring("create container"));
  live.await(live.engine.start_container(id));
}

TEST_CASE("events of our containers and networks are told, those of others are not") {
  if (!LiveEngine::is_reachable()) return;
  LiveEngine live;
  Watch watch(live);
  const agent::Created network = live.await(
      live.engine.create_network(R"({"Name":")" + live.name("net") + R"(","Labels":)" + live.labels() + "}"));
  const std::string foreign =
      live.await(live.engine.create_container(live.name("foreign"), "",
                                              R"({"Image":")" + live.image() + R"(","Cmd":["/bin/sh"]})"))
          .id;
  const std::string id = live.make("watched", kForever);
  live.await(live.engine.connect_network(live.name("net"), id, "{}"));
  live.await(live.engine.start_container(id));
  live.await(live.engine.remove_container(foreign, true));
  live.await(live.engine.remove_container(id, true));
  CHECK(watch.saw("container", "create", id));
  CHECK(watch.saw("container", "start", id));
  CHECK(watch.saw("container", "die", id));
  CHECK(watch.saw("container", "destroy", id));
  CHECK(watch.saw("network", "connect", network.id));
  live.await(live.engine.remove_network(network.id));
  CHECK(watch.saw("network", "destroy", network.id));
  for (const EngineEvent& event : watch.events) {
    CHECK(event.id != foreign);
    if (event.type == "container") CHECK(event.attributes.at(labels::kNode) == live.node);
  }
}

TEST_CASE("the events of health probes themselves are not told") {
  if (!LiveEngine::is_reachable()) return;
  LiveEngine live;
  Watch watch(live);
  const std::string id = live.make(
      "probe", kForever, R"(,"Healthcheck":{"Test":["CMD","/bin/sh","-c","exit 0"],"Interval":100000000})");
  live.await(live.engine.start_container(id));
  CHECK(watch.saw("container", "health_status: healthy", id));
  for (const EngineEvent& event : watch.events) CHECK_FALSE(event.action.starts_with("exec_"));
}

TEST_CASE("ten containers are observed in a few milliseconds") {
  if (!LiveEngine::is_reachable()) return;
  LiveEngine live;
  for (int i = 0; i < 10; ++i) live.make("many" + std::to_string(i), "true");
  std::vector<double> times;
  for (int i = 0; i < 30; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    const auto observed = live.await(live.engine.observe());
    times.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
    REQUIRE(observed.containers.size() == 10);
    CHECK(std::is_sorted(observed.containers.begin(), observed.containers.end(),
                         [](const Container& a, const Container& b) { return a.name < b.name; }));
  }
  std::sort(times.begin(), times.end());
  WARN("observe of 10 containers: median " << times[15] << " ms, best " << times[0] << " ms");
  CHECK(times[0] < 50);  // a bound for busy machines; the benchmark measures
}

}  // namespace hivemind::agent
