// The whole way from a manifest to containers, on a real engine: what of it only an engine can confirm.
#include <algorithm>
#include <memory>

#include <nlohmann/json.hpp>

#include "agent/apply/reconciler.h"
#include "tests/integration/engine/live_engine.h"
#include "tests/support/catch.h"
#include "tests/support/manifest_builder.h"
#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/apply/loop.h"

namespace hivemind::tests {

using namespace hivemind::agent;

namespace {

constexpr const char* kServe = "trap 'exit 0' TERM; while :; do sleep 1 & wait; done";

// A stack named after the test's node, so that what is left of a run that was killed can be told.
class LiveNode {
 public:
  // Nothing is left for the reconciler to heal while the rest is cleaned up.
  ~LiveNode() {
    v1::Manifest none = manifest(++generation_, {});
    none.set_node(live.node);
    wanted_ = std::make_shared<const Desired>(desired_from(none));
    for (const auto& reconciler : all_) reconciler->set_desired(wanted_);
    until([this] { return live.await(live.engine.observe()).containers.empty(); });
    settle();
  }

  void start(Past past = {}) {
    Reconciler::Callbacks on{[] {}, [](Happening) {}, [] {}};
    reconciler_ =
        std::make_shared<Reconciler>(live.loop.get_executor(), live.engine,
                                     Reconciler::Options{directory.path()}, std::move(past), std::move(on));
    all_.push_back(reconciler_);
    reconciler_->start();
    if (wanted_) reconciler_->set_desired(wanted_);
  }

  // Replaces the image, and gives hashes that follow the content.
  v1::Service serve(const std::string& name, const std::string& more = "", const std::string& host = "") {
    v1::Service made = service(name);
    made.set_image(live.image());
    made.set_engine_body(R"({"Image":")" + live.image() + R"(","Cmd":["/bin/sh","-c",")" + kServe +
                         R"("],"StopTimeout":5)" + more + R"(,"HostConfig":{)" + host + "}}");
    return made;
  }

  void want(std::vector<v1::Service> services, const std::string& network_hash = "1") {
    for (v1::Service& one : services) {
      one.clear_config_hash();
      one.set_config_hash(std::to_string(std::hash<std::string>()(one.SerializeAsString())));
    }
    v1::Release wanted = release(stack(), services);
    for (v1::Network& network : *wanted.mutable_networks()) {
      network.set_config_hash(network_hash);
      network.set_engine_body(R"({"Driver":"bridge"})");
    }
    v1::Manifest made = manifest(++generation_, {wanted});
    made.set_node(live.node);
    wanted_ = std::make_shared<const Desired>(desired_from(made));
    reconciler_->set_desired(wanted_);
  }

  bool until(const std::function<bool()>& condition) {
    return run_until(live.loop, condition, std::chrono::seconds(30));
  }
  bool settle() {
    return until([this] {
      const Standing& now = reconciler_->standing();
      return now.desired == wanted_ && now.settled && now.plan.pending.empty();
    });
  }
  bool waits_for(v1::Reason reason) {
    return until([&] {
      return std::ranges::any_of(reconciler_->standing().plan.pending,
                                 [&](const Pending& pending) { return pending.reason == reason; });
    });
  }

  Container container(const std::string& service) {
    const Observed observed = live.await(live.engine.observe());
    const auto found = std::ranges::find(observed.containers, name(service), &Container::name);
    REQUIRE(found != observed.containers.end());
    return *found;
  }
  std::string shell(const std::string& service, const std::string& command) {
    const Hook hook{{"/bin/sh", "-c", command}, "", false, "", {}};
    const std::string id = container(service).id;
    return live.await(live.engine.exec(id, hook, std::chrono::seconds(10))).output;
  }
  std::string stack() const { return "live-" + live.node.substr(live.node.rfind('-') + 1); }
  std::string name(const std::string& service) const { return stack() + "-" + service + "-1"; }
  std::string network() const { return stack() + "_default"; }
  Reconciler& reconciler() { return *reconciler_; }

  LiveEngine live;
  TemporaryDirectory directory;

 private:
  std::shared_ptr<Reconciler> reconciler_;
  std::vector<std::shared_ptr<Reconciler>> all_;  // also those that another one took the place of
  std::shared_ptr<const Desired> wanted_;
  std::uint64_t generation_ = 0;
};

// with_network() makes a body of its own.
v1::Service join(v1::Service service, const std::string& network) {
  const std::string body = service.engine_body();
  service = with_network(std::move(service), network);
  nlohmann::json joined = nlohmann::json::parse(body);
  if (service.endpoints_size() == 1) joined["HostConfig"]["NetworkMode"] = network;
  service.set_engine_body(joined.dump());
  return service;
}

v1::Hook hook(const std::string& command) {
  v1::Hook made;
  made.add_command("/bin/sh");
  made.add_command("-c");
  made.add_command(command);
  return made;
}

}  // namespace

TEST_CASE("shared namespaces and volumes are those of the container that there is") {
  if (!LiveEngine::is_reachable()) return;
  LiveNode node;
  node.start();
  const auto app = [&](const std::string& version) {
    return join(node.serve("app", R"(,"Volumes":{"/shared":{}},"Env":["V=)" + version + R"("])"),
                node.network());
  };
  v1::Service side = node.serve("side");
  side.set_network_of("app");
  side.set_pid_of("app");
  side.add_volumes_from()->set_service("app");
  const auto joined = [&] {
    node.shell("app", "echo it is > /shared/file");
    CHECK_THAT(node.shell("side", "echo /sys/class/net/*"), ContainsSubstring("eth0"));
    CHECK(node.shell("side", "read line < /shared/file; echo $line") == "it is");
    CHECK(node.container("side").bases.contains(node.container("app").id));
  };
  // The first network is the body's as well.
  v1::Service first = app("1");
  node.want({first, side});
  REQUIRE(node.settle());
  joined();
  SECTION("when it is replaced") {
    const std::string before = node.container("side").id;
    node.want({app("2"), side});
    REQUIRE(node.settle());
    CHECK(node.container("side").id != before);
  }
  SECTION("when it is restarted by hand") {
    const std::string before = node.container("side").started_at;
    node.live.raw("POST", "/containers/" + node.name("app") + "/restart?t=1");
    REQUIRE(node.until([&] { return node.container("side").started_at != before; }));
  }
  SECTION("when it is removed by hand") {
    const std::string before = node.container("side").id;
    node.live.raw("DELETE", "/containers/" + node.name("app") + "?force=1&v=1");
    REQUIRE(node.until([&] {
      const Observed observed = node.live.await(node.live.engine.observe());
      return std::ranges::any_of(observed.containers, [&](const Container& one) {
        return one.name == node.name("side") && one.id != before && one.status == ContainerStatus::kRunning;
      });
    }));
  }
  REQUIRE(node.settle());
  joined();
}

TEST_CASE("hooks run in the container, and say what went wrong") {
  if (!LiveEngine::is_reachable()) return;
  LiveNode node;
  node.start();
  v1::Service app = node.serve("app");
  SECTION("after the start, in order, as asked for") {
    *app.add_post_start() = hook("echo one $NAME > /log");
    app.mutable_post_start(0)->add_environment("NAME=of mine");
    *app.add_post_start() = hook("echo two $PWD >> /log");
    app.mutable_post_start(1)->set_working_dir("/bin");
    node.want({app});
    REQUIRE(node.settle());
    CHECK(node.shell("app", "while read line; do echo $line; done < /log") == "one of mine\ntwo /bin");
  }
  SECTION("with their code and the end of their output") {
    *app.add_post_start() = hook("echo first; echo no such thing >&2; exit 3");
    node.want({app});
    REQUIRE(node.waits_for(v1::REASON_HOOK_FAILED));
    const std::string text = node.reconciler().standing().plan.pending.at(0).text;
    CHECK_THAT(text, ContainsSubstring("exited with code 3"));
    CHECK_THAT(text, ContainsSubstring("no such thing"));
    CHECK(node.container("app").status == ContainerStatus::kRunning);
    app.clear_post_start();
    node.want({app});
    REQUIRE(node.settle());
  }
  SECTION("that is not there") {
    app.add_post_start()->add_command("/no/such");
    node.want({app});
    REQUIRE(node.waits_for(v1::REASON_HOOK_FAILED));
    CHECK_THAT(node.reconciler().standing().plan.pending.at(0).text, ContainsSubstring("/no/such"));
  }
  SECTION("before a stop, which they do not keep from happening") {
    *app.add_pre_stop() = hook("echo will not; exit 4");
    node.want({app});
    REQUIRE(node.settle());
    const std::string before = node.container("app").id;
    app.clear_pre_stop();
    node.want({app});
    REQUIRE(node.settle());
    CHECK(node.container("app").id != before);
    const auto notices = node.reconciler().past().notices.of_stack(node.stack());
    REQUIRE(notices.size() == 1);
    CHECK(notices[0].kind == notice_kinds::kHookFailed);
    CHECK_THAT(notices[0].text, ContainsSubstring("exited with code 4: will not"));
  }
}

TEST_CASE("a command that takes too long is left to itself") {
  if (!LiveEngine::is_reachable()) return;
  LiveEngine live;
  const std::string id = live.make("slow", kServe);
  live.await(live.engine.start_container(id));
  const Hook slow{{"/bin/sh", "-c", "echo begun; sleep 30"}, "", false, "", {}};
  const Executed executed = live.await(live.engine.exec(id, slow, std::chrono::seconds(5)));
  CHECK(!executed.exit_code);
  CHECK(executed.output == "begun");
  CHECK_THROWS_AS(live.await(live.engine.exec("no-such", slow, std::chrono::seconds(1))), Error);
}

TEST_CASE("a changed network is made anew, and its containers keep their anonymous volumes") {
  if (!LiveEngine::is_reachable()) return;
  LiveNode node;
  node.start();
  const auto app = [&] { return join(node.serve("app", R"(,"Volumes":{"/data":{}})"), node.network()); };
  const v1::Service db = node.serve("db");
  node.want({app(), db});
  REQUIRE(node.settle());
  node.shell("app", "echo precious > /data/file");
  const std::string network = node.live.await(node.live.engine.observe()).networks.at(0).id;
  const std::string before = node.container("db").id;
  SECTION("with nobody else on it") {
    node.want({app(), db}, "2");
  }
  SECTION("once a foreign container has left it") {
    node.live.raw("POST", "/containers/create?name=" + node.live.name("foreign"),
                  R"({"Image":")" + node.live.image() +
                      R"(","Cmd":["/bin/sleep","60"],"HostConfig":{"NetworkMode":")" + node.network() +
                      "\"}}");
    node.live.raw("POST", "/containers/" + node.live.name("foreign") + "/start");
    const std::string app_before = node.container("app").id;
    node.want({app(), db}, "2");
    REQUIRE(node.waits_for(v1::REASON_ENGINE_REFUSED));
    CHECK_THAT(node.reconciler().standing().plan.pending.at(0).text,
               ContainsSubstring("'" + node.live.name("foreign") + "'"));
    CHECK(node.container("app").id == app_before);
    CHECK(node.container("app").status == ContainerStatus::kRunning);
    node.live.raw("DELETE", "/containers/" + node.live.name("foreign") + "?force=1");
  }
  REQUIRE(node.settle());
  const Observed observed = node.live.await(node.live.engine.observe());
  REQUIRE(observed.networks.size() == 1);
  CHECK(observed.networks[0].id != network);
  CHECK(node.container("app").networks == std::vector<std::string>{node.network()});
  CHECK(node.shell("app", "read line < /data/file; echo $line") == "precious");
  CHECK(node.container("db").id == before);
}

TEST_CASE("a container that was taken off a network by hand is put right") {
  if (!LiveEngine::is_reachable()) return;
  LiveNode node;
  node.start();
  v1::Service app = join(join(node.serve("app"), node.stack() + "_a"), node.stack() + "_b");
  node.want({app});
  REQUIRE(node.settle());
  const std::vector<std::string> both{node.stack() + "_a", node.stack() + "_b"};
  REQUIRE(node.container("app").networks == both);
  const std::string lost = GENERATE(as<std::string>(), "_a", "_b");
  node.live.raw("POST", "/networks/" + node.stack() + lost + "/disconnect",
                R"({"Container":")" + node.name("app") + "\"}");
  CHECK(node.until([&] {
    const Observed observed = node.live.await(node.live.engine.observe());
    return observed.containers.size() == 1 && observed.containers[0].networks == both &&
           observed.containers[0].status == ContainerStatus::kRunning;
  }));
}

TEST_CASE("addresses and names on several networks are those that are asked for") {
  if (!LiveEngine::is_reachable()) return;
  LiveNode node;
  node.start();
  v1::Service app = join(join(node.serve("app"), node.stack() + "_a"), node.stack() + "_b");
  app.mutable_endpoints(0)->set_engine_body(R"({"MacAddress":"02:42:00:00:00:99","Aliases":["one"]})");
  app.mutable_endpoints(1)->set_engine_body(R"({"Aliases":["two"]})");
  node.want({app});
  REQUIRE(node.settle());
  const std::string inspected = node.live.raw("GET", "/containers/" + node.name("app") + "/json").body;
  CHECK_THAT(inspected, ContainsSubstring("\"one\""));
  CHECK_THAT(inspected, ContainsSubstring("\"two\""));
  CHECK_THAT(
      node.shell("app", "for file in /sys/class/net/eth*/address; do read line < $file; echo $line; done"),
      ContainsSubstring("02:42:00:00:00:99"));
}

TEST_CASE("an address on the engine's own bridge is the one that is asked for") {
  if (!LiveEngine::is_reachable()) return;
  LiveNode node;
  node.start();
  node.want({node.serve("app", R"(,"MacAddress":"02:42:00:00:00:98")", R"("NetworkMode":"bridge")")});
  REQUIRE(node.settle());
  CHECK_THAT(node.shell("app", "read line < /sys/class/net/eth0/address; echo $line"),
             ContainsSubstring("02:42:00:00:00:98"));
}

TEST_CASE("ports are swapped, and start-first starts first, without a failure") {
  if (!LiveEngine::is_reachable()) return;
  LiveNode node;
  node.start();
  const int one = free_port(), two = free_port();
  const auto on = [&](const std::string& name, int number) {
    return node.serve(name, "",
                      R"("PortBindings":{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":")" +
                          std::to_string(number) + R"("}]})");
  };
  v1::Service app = node.serve("app");
  app.set_update_order(v1::UPDATE_ORDER_START_FIRST);
  node.want({on("a", one), on("b", two), app});
  REQUIRE(node.settle());
  app.set_engine_body(node.serve("app", R"(,"Env":["V=2"])").engine_body());
  node.want({on("a", two), on("b", one), app});
  REQUIRE(node.settle());
  CHECK(node.reconciler().past().troubles.empty());
  CHECK(node.container("a").status == ContainerStatus::kRunning);
  CHECK(node.container("b").status == ContainerStatus::kRunning);
}

TEST_CASE("what is done is not run again by an agent that remembers nothing") {
  if (!LiveEngine::is_reachable()) return;
  LiveNode node;
  node.start();
  v1::Service once = node.serve("once");
  once.set_engine_body(R"({"Image":")" + node.live.image() + R"(","Cmd":["/bin/sh","-c","exit 0"]})");
  node.want({once, with_dependency(node.serve("app"), "once", v1::Dependency::COMPLETED)});
  REQUIRE(node.settle());
  const std::string started = node.container("once").started_at;
  const std::string app = node.container("app").started_at;
  node.start();
  REQUIRE(node.settle());
  CHECK(node.container("once").started_at == started);
  CHECK(node.container("app").started_at == app);
}

}  // namespace hivemind::tests
