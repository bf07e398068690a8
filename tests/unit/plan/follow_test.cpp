// What one container's life means to another's: namespaces and volumes that are shared, dependencies that
// restart, hooks, and the order of an update.
#include "agent/plan/report.h"
#include "tests/support/catch.h"
#include "tests/unit/plan/scenario.h"

using namespace hivemind;
using namespace hivemind::tests;

namespace {

v1::Service with_restart(v1::Service service, const std::string& on,
                         v1::Dependency::Condition condition = v1::Dependency::STARTED) {
  service = with_dependency(std::move(service), on, condition);
  service.mutable_depends_on(service.depends_on_size() - 1)->set_restart(true);
  return service;
}

v1::Service with_hooks(v1::Service service, const std::string& post_start, const std::string& pre_stop = "") {
  if (!post_start.empty()) service.add_post_start()->add_command(post_start);
  if (!pre_stop.empty()) service.add_pre_stop()->add_command(pre_stop);
  return service;
}

v1::Service with_port(v1::Service service, int port) {
  return with_body(service, R"({"Image":")" + service.image() +
                                R"(","HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":")" +
                                std::to_string(port) + R"("}]}}})");
}

v1::Service start_first(v1::Service service) {
  service.set_update_order(v1::UPDATE_ORDER_START_FIRST);
  return service;
}

std::string id_of(Scenario& scenario, const std::string& name) {
  return scenario.engine.container(name).id;
}

}  // namespace

TEST_CASE("what is shared with another service's container follows that container") {
  v1::Service side = service("side");
  SECTION("its PID namespace") {
    side.set_pid_of("app");
  }
  SECTION("its IPC namespace") {
    side.set_ipc_of("app");
  }
  SECTION("its volumes") {
    side.add_volumes_from()->set_service("app");
  }
  Scenario scenario({release("web", {service("app"), side, service("other")})});
  scenario.converge();
  const std::string before = id_of(scenario, "web-side-1");
  const std::string other = id_of(scenario, "web-other-1");
  CHECK(scenario.engine.container("web-side-1").bases.contains(id_of(scenario, "web-app-1")));

  scenario.want({release("web", {service("app", 2), side, service("other")})});
  scenario.converge();
  CHECK(id_of(scenario, "web-side-1") != before);
  CHECK(id_of(scenario, "web-other-1") == other);
  CHECK(scenario.engine.container("web-side-1").bases.contains(id_of(scenario, "web-app-1")));

  scenario.engine.remove_container(id_of(scenario, "web-app-1"), true);
  scenario.converge();
  CHECK(scenario.engine.container("web-side-1").bases.contains(id_of(scenario, "web-app-1")));
  CHECK(scenario.engine.running() == std::vector<std::string>{"web-app-1", "web-other-1", "web-side-1"});
}

TEST_CASE(
    "a namespace of a container that was started again is joined anew, its volumes are still the same") {
  v1::Service side = service("side");
  v1::Service reader = service("reader");
  side.set_pid_of("app");
  reader.add_volumes_from()->set_service("app");
  Scenario scenario({release("web", {service("app"), side, reader})});
  scenario.converge();
  const std::string started = scenario.engine.container("web-reader-1").started_at;
  scenario.engine.exit("web-app-1", 1);
  scenario.engine.start_container(id_of(scenario, "web-app-1"));  // as the engine does, or a person
  CHECK(scenario.plan_text() ==
        "stop container web-side-1: service 'side' of stack 'web': 'app', whose namespace it shares, was "
        "started again\n"
        "start container web-side-1: service 'side' of stack 'web': 'app', whose namespace it shares, was "
        "started again\n");
  scenario.converge();
  CHECK(scenario.plan_text().empty());
  CHECK(scenario.engine.container("web-reader-1").started_at == started);
}

TEST_CASE("what shares with a service that has no container waits, saying so") {
  v1::Service side = service("side");
  side.set_network_of("app");
  Scenario scenario({release("web", {with_replicas(service("app"), 0), side})});
  CHECK(scenario.plan_text() ==
        "pending web/side (dependency failed): shares what 'app' has, which has no container (give it a "
        "replica)\n");
}

TEST_CASE("a dependant restarts with its dependency: it stops before it, and starts after it") {
  Scenario scenario({release("web", {with_restart(service("app"), "db"), service("db"), service("x")})});
  scenario.converge();
  const std::string app = id_of(scenario, "web-app-1");
  scenario.want({release("web", {with_restart(service("app"), "db"), service("db", 2), service("x")})});
  const std::string aside = "web-db-1." + id_of(scenario, "web-db-1").substr(0, 8);
  const std::string cause = ": service 'db' of stack 'web': its definition has changed\n";
  const std::string follows = ": service 'app' of stack 'web': it restarts with 'db'\n";
  CHECK(scenario.plan_text() == "rename container web-db-1 to " + aside + cause +
                                    "create container web-db-1" + cause + "stop container web-app-1" +
                                    follows + "stop container web-db-1" + cause + "start container web-db-1" +
                                    cause + "remove container web-db-1" + cause +
                                    "start container web-app-1" + follows);
  const agent::Plan plan = scenario.plan();
  CHECK(plan.steps[3].after == std::vector<std::size_t>{1, 2});
  CHECK(plan.steps[6].after == std::vector<std::size_t>{2, 4});
  scenario.converge();
  CHECK(id_of(scenario, "web-app-1") == app);
  CHECK(scenario.engine.container("web-app-1").started_at > scenario.engine.container("web-db-1").started_at);
}

TEST_CASE("a dependant that restarts waits until its dependency is healthy") {
  const auto app = with_restart(service("app"), "db", v1::Dependency::HEALTHY);
  Scenario scenario({release("web", {app, service("db")})});
  scenario.engine.starts_with("db:1", agent::Health::kHealthy);
  scenario.engine.starts_with("db:2", agent::Health::kStarting);
  scenario.converge();
  scenario.want({release("web", {app, service("db", 2)})});
  scenario.converge();
  CHECK(scenario.engine.running() == std::vector<std::string>{"web-db-1"});
  CHECK(scenario.plan_text() == "pending web/app (waiting dependency): waits for 'db' to be healthy\n");
  scenario.engine.container("web-db-1").health = agent::Health::kHealthy;
  CHECK(scenario.plan_text() ==
        "start container web-app-1: service 'app' of stack 'web': it restarts with what it depends on\n");
  scenario.converge();
  CHECK(scenario.engine.running() == std::vector<std::string>{"web-app-1", "web-db-1"});
}

TEST_CASE("a dependant does not restart because its dependency came up again by itself") {
  Scenario scenario({release("web", {with_restart(service("app"), "db"), service("db")})});
  scenario.converge();
  scenario.engine.exit("web-db-1", 1);
  CHECK(scenario.plan_text() ==
        "start container web-db-1: service 'db' of stack 'web': its container exited with code 1\n");
}

TEST_CASE("hooks run once after a start, and a service has started when they have run") {
  Scenario scenario(
      {release("web", {with_dependency(service("app"), "db"), with_hooks(service("db"), "hi")})});
  const std::string cause = ": service 'db' of stack 'web' has no container\n";
  CHECK_THAT(scenario.plan_text(),
             ContainsSubstring("start container web-db-1" + cause + "run the hooks of container web-db-1" +
                               cause + "create container web-app-1"));
  CHECK(scenario.plan().steps[4].after == std::vector<std::size_t>{2, 3});
  scenario.converge();
  CHECK(scenario.engine.executed() == std::vector<std::string>{"web-db-1: hi"});
  SECTION("and again after the agent has started it again") {
    scenario.engine.exit("web-db-1", 1);
    scenario.converge();
    CHECK(scenario.engine.executed().size() == 2);
  }
  SECTION("and not after the engine has") {
    scenario.engine.exit("web-db-1", 1);
    scenario.engine.start_container(id_of(scenario, "web-db-1"));
    CHECK(scenario.plan_text().empty());
  }
  SECTION("and again when nobody knows whether they have run") {
    scenario.past.hooked.clear();
    CHECK(scenario.plan_text() ==
          "run the hooks of container web-db-1: service 'db' of stack 'web': its hooks have not run\n");
  }
}

TEST_CASE("a service whose hooks have failed has failed, and what depends on it waits") {
  Scenario scenario(
      {release("web", {with_dependency(service("app"), "db"), with_hooks(service("db"), "hi")})});
  scenario.apply(scenario.plan(), 2);
  scenario.past.troubles["web/db"] = {1, scenario.now + std::chrono::seconds(1), v1::REASON_HOOK_FAILED,
                                      "'hi' exited with code 3: no", "db-1"};
  CHECK(
      scenario.plan_text() ==
      "pending web/db (hook failed): 'hi' exited with code 3: no\n"
      "pending web/app (dependency failed): waits for 'db' to run its hooks: 'hi' exited with code 3: no\n");
  CHECK(scenario.states() == "web FAILED app:FAILED db:FAILED\n");
  scenario.now += std::chrono::seconds(1);
  scenario.converge();
  scenario.past.troubles.clear();  // as a step that succeeds does
  CHECK(scenario.states() == "web RUNNING app:RUNNING db:RUNNING\n");
}

TEST_CASE("a container is stopped by the hooks that it was made with, also when its service is gone") {
  Scenario scenario({release("web", {with_hooks(service("app"), "", "bye"), service("db")})});
  scenario.converge();
  SECTION("replaced") {
    scenario.want({release("web", {service("app", 2), service("db")})});
  }
  SECTION("removed") {
    scenario.want({release("web", {service("db")})});
  }
  scenario.converge();
  CHECK(scenario.engine.executed().size() == 1);
  CHECK_THAT(scenario.engine.executed().at(0), ContainsSubstring(": bye"));
}

TEST_CASE("start-first: the new container runs before the old one stops") {
  Scenario scenario({release("web", {start_first(with_hooks(service("app"), "hi"))})});
  scenario.converge();
  CHECK(scenario.plan().notices.empty());
  scenario.want({release("web", {start_first(with_hooks(service("app", 2), "hi"))})});
  const std::string aside = "web-app-1." + id_of(scenario, "web-app-1").substr(0, 8);
  const std::string cause = ": service 'app' of stack 'web': its definition has changed\n";
  CHECK(scenario.plan_text() == "rename container web-app-1 to " + aside + cause +
                                    "create container web-app-1" + cause + "start container web-app-1" +
                                    cause + "run the hooks of container web-app-1" + cause);
  scenario.apply(scenario.plan());
  CHECK(scenario.plan_text() == "stop container " + aside + cause + "remove container " + aside + cause);
  scenario.converge();
  CHECK(scenario.engine.text() == "web-app-1 app-2 running\n");
}

TEST_CASE("where two containers cannot run at once, start-first stops first, and says why") {
  v1::Service app = start_first(service("app"));
  std::string why;
  SECTION("ports") {
    app = with_port(app, 8080);
    why = "its ports of the node are fixed";
  }
  SECTION("the node's network") {
    app = with_body(app, R"({"Image":"app:1","HostConfig":{"NetworkMode":"host"}})");
    why = "it uses the network of the node";
  }
  SECTION("an address") {
    app = with_network(app, "web_default");
    app.mutable_endpoints(0)->set_engine_body(R"({"IPAMConfig":{"IPv4Address":"10.0.0.9"}})");
    why = "its address is fixed";
  }
  Scenario scenario({release("web", {app})});
  scenario.converge();
  const agent::Plan settled = scenario.plan();
  REQUIRE(settled.notices.size() == 1);
  CHECK(settled.notices[0].kind == agent::notice_kinds::kStopFirst);
  CHECK(settled.notices[0].service == "app");
  CHECK_THAT(settled.notices[0].text, ContainsSubstring(why));
  app.set_config_hash("another");
  scenario.want({release("web", {app})});
  const std::string text = scenario.plan_text();
  CHECK(text.find("stop container") < text.find("start container"));
}

TEST_CASE("services that swap their ports both stop before either starts") {
  Scenario scenario({release("web", {with_port(service("a"), 80), with_port(service("b"), 81)})});
  scenario.converge();
  scenario.want({release("web", {with_port(service("a", 2), 81), with_port(service("b", 2), 80)})});
  CHECK(scenario.converge() == 1);
  CHECK(scenario.engine.text() == "web-a-1 a-2 running\nweb-b-1 b-2 running\n");
}

TEST_CASE("a port is handed on between services that depend on one another") {
  const auto dependant = [](v1::Service s) { return with_dependency(std::move(s), "a"); };
  Scenario scenario({release("web", {with_port(service("a"), 80), dependant(with_port(service("b"), 81))})});
  scenario.converge();
  scenario.want(
      {release("web", {with_port(service("a", 2), 81), dependant(with_port(service("b", 2), 80))})});
  CHECK(scenario.converge() == 1);
  CHECK(scenario.engine.running() == std::vector<std::string>{"web-a-1", "web-b-1"});
}

TEST_CASE("pulls from time to time go by the time of the last one") {
  v1::Service app = with_policy(service("app"), v1::PULL_POLICY_EVERY);
  app.set_pull_every_s(3600);
  Scenario scenario({release("web", {app})});
  scenario.wall_s = 1'000'000;
  const auto pulls = [&] { return scenario.plan_text().starts_with("pull image app:1"); };
  SECTION("never pulled") {
    CHECK(pulls());
  }
  SECTION("lately") {
    scenario.past.pulled["app:1"] = scenario.wall_s - 3599;
    CHECK(!pulls());
  }
  SECTION("long ago") {
    scenario.past.pulled["app:1"] = scenario.wall_s - 3600;
    CHECK(pulls());
  }
  SECTION("in the future, by a clock that was wrong") {
    scenario.past.pulled["app:1"] = scenario.wall_s + 1;
    CHECK(pulls());
    scenario.past.pulled["app:1"] = scenario.wall_s;  // as the pull records it
    CHECK(!pulls());
  }
  SECTION("in vain, where nothing runs") {
    scenario.past.fetches["app:1"] = {agent::Fetch::State::kFailed, scenario.now + std::chrono::seconds(5),
                                      v1::REASON_PULL_FAILED, "no route"};
    CHECK_THAT(scenario.plan_text(), ContainsSubstring("create container web-app-1"));
  }
  SECTION("also while a container runs, which is left alone") {
    scenario.past.pulled["app:1"] = scenario.wall_s;
    scenario.converge();
    scenario.wall_s += 7200;
    CHECK(pulls());
    CHECK(scenario.plan().steps.size() == 1);
  }
}

TEST_CASE("a changed network is made anew by taking containers off it, so that they can be replaced") {
  v1::Release web = release("web", {with_network(service("app"), "web_default"), service("db")});
  Scenario scenario({web});
  scenario.converge();
  scenario.engine.container("web-app-1").anonymous_volumes = {{"/data", "v"}};
  web.mutable_networks(0)->set_config_hash("another");
  scenario.want({web});
  const std::string cause = ": network 'default' of stack 'web' has changed\n";
  SECTION("with nobody else on it") {
    CHECK(scenario.plan_text() ==
          "stop container web-app-1" + cause + "disconnect container web-app-1 from network web_default" +
              cause + "remove network web_default" + cause +
              "pending web/app (applying): network 'default' of stack 'web' has changed\n");
    scenario.apply(scenario.plan());
    const agent::Plan next = scenario.plan();
    for (const agent::Step& step : next.steps) {
      if (const auto* create = std::get_if<agent::CreateContainer>(&step.action))
        CHECK(create->volumes.at("/data") == "v");
    }
    scenario.converge();
    CHECK(scenario.engine.text() == "web-app-1 app-1 running\nweb-db-1 db-1 running\n");
  }
  SECTION("while a foreign container is on it, nothing is touched, and the stack says why") {
    agent::Container foreign = scenario.engine.container("web-app-1");
    foreign.id = "foreign";
    foreign.name = "theirs";
    foreign.labels.clear();
    scenario.engine.add_container(foreign);
    CHECK(scenario.plan_text() ==
          "pending web/ (engine refused): network 'default' has changed and cannot be made anew while "
          "containers that are not this stack's are on it: 'theirs' (disconnect or stop them)\n");
    CHECK(scenario.plan().next_look);
    CHECK(scenario.states() == "web FAILED app:RUNNING db:RUNNING\n");
    scenario.engine.stop_container("foreign");
    scenario.converge();
    CHECK(scenario.plan_text().empty());
  }
}

TEST_CASE("volumes that differ are told of and left alone") {
  v1::Release web = release("web", {service("app")});
  v1::Volume& volume = *web.add_volumes();
  volume.set_key("data");
  volume.set_name("web_data");
  volume.set_config_hash("1");
  volume.set_engine_body(R"({"Driver":"local","DriverOpts":{"type":"tmpfs"}})");
  web.mutable_services(0)->set_engine_body(
      R"({"Image":"app:1","HostConfig":{"Binds":["web_data:/data:rw"]}})");
  Scenario scenario({web});
  scenario.converge();
  CHECK(scenario.plan().notices.empty());
  SECTION("in an option") {
    web.mutable_volumes(0)->set_engine_body(R"({"DriverOpts":{"type":"nfs"}})");
    scenario.want({web});
    REQUIRE(scenario.plan().notices.size() == 1);
    CHECK(scenario.plan().notices[0].text ==
          "volume 'web_data' stays as it is: its option 'type' is 'tmpfs', 'nfs' is wanted");
  }
  SECTION("in the driver") {
    web.mutable_volumes(0)->set_engine_body(R"({"Driver":"other","DriverOpts":{"type":"tmpfs"}})");
    scenario.want({web});
    REQUIRE(scenario.plan().notices.size() == 1);
    CHECK(scenario.plan().notices[0].kind == agent::notice_kinds::kVolumeDiffers);
  }
  SECTION("not in labels") {
    web.mutable_volumes(0)->set_engine_body(
        R"({"Driver":"local","DriverOpts":{"type":"tmpfs"},"Labels":{"a":"b"}})");
    web.mutable_volumes(0)->set_config_hash("2");
    scenario.want({web});
    CHECK(scenario.plan().notices.empty());
  }
  CHECK(scenario.plan().steps.empty());
}

TEST_CASE("what is done stays done, whatever becomes of its network, and with nothing remembered") {
  v1::Release web = release("web", {with_dependency(with_network(service("app"), "web_default"), "migrate",
                                                    v1::Dependency::COMPLETED),
                                    with_network(service("migrate"), "web_default")});
  Scenario scenario({web});
  scenario.engine.ends_at_once("migrate:1", 0);
  scenario.converge();
  const std::string migrate = id_of(scenario, "web-migrate-1");
  scenario.past = {};
  CHECK(scenario.plan_text().empty());
  web.mutable_networks(0)->set_config_hash("another");
  scenario.want({web});
  scenario.converge();
  CHECK(id_of(scenario, "web-migrate-1") == migrate);
  CHECK(scenario.states() == "web RUNNING app:RUNNING migrate:COMPLETED\n");
}

TEST_CASE("a hook that prints what is no text leaves a report that can be read") {
  Scenario scenario({release("web", {with_hooks(service("db"), "hi")})});
  scenario.apply(scenario.plan(), 2);
  scenario.past.troubles["web/db"] = {1, scenario.now + std::chrono::seconds(1), v1::REASON_HOOK_FAILED,
                                      "'hi' exited with code 3: \xff größ\xc3", "db-1"};
  const agent::Plan plan = scenario.plan();
  const agent::Observed observed = scenario.engine.observe();
  const std::set<std::string> busy;
  const auto reports = agent::stack_reports({scenario.wanted, observed, scenario.past, plan, busy});
  REQUIRE(reports.size() == 1);
  v1::StackReport read;
  REQUIRE(read.ParseFromString(reports[0].SerializeAsString()));
  CHECK(read.services(0).text() == "'hi' exited with code 3: \\xff größ\\xc3");
  CHECK(read.text() == "service 'db': 'hi' exited with code 3: \\xff größ\\xc3");
}
