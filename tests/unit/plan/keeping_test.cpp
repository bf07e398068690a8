#include "tests/support/catch.h"
#include "tests/unit/plan/scenario.h"

using namespace hivemind;
using namespace hivemind::tests;

namespace {

v1::Service restarting(v1::Service service, const std::string& policy = "always") {
  return with_body(service, R"({"Image":")" + service.image() +
                                R"(","HostConfig":{"RestartPolicy":{"Name":")" + policy + R"("}}})");
}

v1::Service start_first(v1::Service service) {
  service.set_update_order(v1::UPDATE_ORDER_START_FIRST);
  return service;
}

std::string aside(const Scenario& scenario, const std::string& name) {
  Scenario copy = scenario;
  return name + "." + copy.engine.container(name).id.substr(0, 8);
}

// 'web' runs as releases says, and can come back.
Scenario good(const std::vector<v1::Release>& releases) {
  Scenario scenario(releases);
  scenario.converge();
  scenario.find_good();
  return scenario;
}

}  // namespace

TEST_CASE("the replaced container of a good release is kept: out of restarts, stopped, named aside") {
  Scenario scenario = good({release("web", {restarting(service("app"))})});
  const std::string kept = aside(scenario, "web-app-1");
  scenario.want({release("web", {restarting(service("app", 2))})});
  const std::string cause = ": service 'app' of stack 'web': its definition has changed\n";
  CHECK(scenario.plan_text() == "rename container web-app-1 to " + kept + cause +
                                    "create container web-app-1" + cause +
                                    "set restart policy 'no' of container web-app-1" + cause +
                                    "stop container web-app-1" + cause + "start container web-app-1" + cause);
  scenario.converge();
  CHECK(scenario.engine.text() == "web-app-1 app-2 running\n" + kept + " app-1 exited\n");
  CHECK(scenario.engine.container(kept).restart_policy == "no");
  SECTION("it is left alone from then on") {
    CHECK(scenario.plan_text().empty());
  }
  SECTION("one that somebody starts is stopped again") {
    scenario.engine.start_container(scenario.engine.container(kept).id);
    CHECK(scenario.plan_text() == "stop container " + kept + cause);
  }
  SECTION("it goes when the release that took its place is good") {
    scenario.find_good();
    CHECK(scenario.plan_text() == "remove container " + kept + cause);
  }
  SECTION("it goes when the release before can come back no more") {
    scenario.past.good["web"].release.clear();
    CHECK(scenario.plan_text() == "remove container " + kept + cause);
  }
  SECTION("the engine starts again") {
    scenario.engine.restart();
    CHECK(scenario.engine.running() == std::vector<std::string>{"web-app-1"});
    CHECK(scenario.plan_text().empty());
  }
  SECTION("a third release takes the place of the second, which goes") {
    scenario.want({release("web", {restarting(service("app", 3))})});
    scenario.converge();
    CHECK(scenario.engine.text() == "web-app-1 app-3 running\n" + kept + " app-1 exited\n");
  }
}

TEST_CASE("where the engine cannot change restart policies, what is kept keeps its own") {
  const std::vector<v1::Release> before{release("web", {restarting(service("app"))})};
  Scenario scenario = good(before);
  const std::string kept = aside(scenario, "web-app-1");
  scenario.past.fixed_policies = true;
  scenario.want({release("web", {restarting(service("app", 2))})});
  scenario.converge();
  const std::string settled = "web-app-1 app-2 running\n" + kept + " app-1 exited\n";
  CHECK(scenario.engine.text() == settled);
  SECTION("and is stopped again when it has come up with the node") {
    scenario.engine.restart();
    CHECK(scenario.engine.running().size() == 2);
    scenario.converge();
    CHECK(scenario.engine.text() == settled);
  }
  SECTION("and comes back with it") {
    scenario.go_back(before);
    scenario.converge();
    CHECK(scenario.engine.text() == "web-app-1 app-1 running\n");
    CHECK(scenario.engine.container("web-app-1").restart_policy == "always");
  }
}

TEST_CASE("a failed release gives way: its container goes, and the kept one takes its name and starts") {
  const std::vector<v1::Release> before{release("web", {restarting(service("app"))})};
  Scenario scenario = good(before);
  const std::string kept = aside(scenario, "web-app-1");
  scenario.want({release("web", {restarting(service("app", 2))})});
  scenario.converge();
  scenario.go_back(before);
  const std::string cause = ": service 'app' of stack 'web': the last good release comes back\n";
  const std::string back = ": service 'app' of stack 'web': it comes back\n";
  CHECK(scenario.plan_text() == "stop container web-app-1" + cause + "remove container web-app-1" + cause +
                                    "rename container " + kept + " to web-app-1" + back +
                                    "set restart policy 'always' of container " + kept + back +
                                    "start container " + kept + back);
  const agent::Plan plan = scenario.plan();
  CHECK(std::get<agent::StopContainer>(plan.steps[0].action).grace == std::chrono::seconds(1));
  CHECK(plan.steps[2].after == std::vector<std::size_t>{1});
  CHECK(plan.steps[4].after == std::vector<std::size_t>{1, 3});
  CHECK(scenario.converge() == 1);
  CHECK(scenario.engine.text() == "web-app-1 app-1 running\n");
  CHECK(scenario.engine.container("web-app-1").restart_policy == "always");
}

TEST_CASE("what a release leaves out is kept as well") {
  const std::vector<v1::Release> before{
      release("web", {with_replicas(service("app"), 2), with_network(service("db"), "web_data")})};
  Scenario scenario = good(before);
  scenario.want({release("web", {service("app"), service("new")})});
  scenario.converge();
  CHECK(scenario.engine.text() ==
        "web-app-1 app-1 running\nweb-app-2 app-1 exited\nweb-db-1 db-1 exited\nweb-new-1 new-1 running\n");
  CHECK(scenario.engine.network_exists("web_data"));
  CHECK(scenario.plan_text().empty());
  SECTION("and comes back") {
    scenario.go_back(before);
    scenario.converge();
    CHECK(scenario.engine.text() ==
          "web-app-1 app-1 running\nweb-app-2 app-1 running\nweb-db-1 db-1 running\n");
  }
  SECTION("and goes with its network in the end") {
    scenario.find_good();
    scenario.converge();
    CHECK(scenario.engine.text() == "web-app-1 app-1 running\nweb-new-1 new-1 running\n");
    CHECK_FALSE(scenario.engine.network_exists("web_data"));
  }
}

TEST_CASE("a kept container gives its name to whom it is meant for") {
  v1::Service x = service("x");
  x.set_container_name("n");
  v1::Service y = service("y");
  y.set_container_name("n");
  const std::vector<v1::Release> before{release("web", {x})};
  Scenario scenario = good(before);
  const std::string kept = aside(scenario, "n");
  scenario.want({release("web", {y})});
  scenario.converge();
  CHECK(scenario.engine.text() == "n y-1 running\n" + kept + " x-1 exited\n");
  scenario.go_back(before);
  scenario.converge();
  CHECK(scenario.engine.text() == "n x-1 running\n");
}

TEST_CASE("a kept container that is gone is made again, of the image that it had") {
  const std::vector<v1::Release> before{
      release("web", {with_policy(service("app"), v1::PULL_POLICY_ALWAYS)})};
  Scenario scenario(before);
  scenario.past.fresh.insert("web/app");
  scenario.converge();
  scenario.find_good();
  scenario.past.fresh.clear();
  const std::string kept = aside(scenario, "web-app-1");
  const std::string image = scenario.engine.container("web-app-1").image_id;
  scenario.want({release("web", {service("app", 2)})});
  scenario.converge();
  scenario.engine.remove_container(scenario.engine.container(kept).id, true);
  scenario.engine.add_image("app:1", "sha256:moved");
  scenario.go_back(before);
  scenario.wanted.stacks[0].services[0].image_id = image;
  SECTION("its image is there") {
    scenario.converge();
    CHECK(scenario.engine.container("web-app-1").image_id == image);
  }
  SECTION("its image is gone: the reference will do, and nothing is pulled") {
    scenario.engine.remove_image(image);
    scenario.converge();
    CHECK(scenario.engine.container("web-app-1").image_id == "sha256:moved");
  }
  CHECK(scenario.engine.text() == "web-app-1 app-1 running\n");
}

TEST_CASE("start-first: the old container stays until the new one is healthy") {
  Scenario scenario = good({release("web", {start_first(restarting(service("app")))})});
  const std::string old = aside(scenario, "web-app-1");
  scenario.engine.starts_with("app:2", agent::Health::kStarting);
  scenario.want({release("web", {start_first(restarting(service("app", 2)))})});
  scenario.converge();
  const std::string both = "web-app-1 app-2 running\n" + old + " app-1 running\n";
  CHECK(scenario.engine.text() == both);
  CHECK(scenario.plan_text() ==
        "pending web/app (applying): the old container runs until the new one is healthy\n");
  SECTION("and goes then") {
    scenario.engine.container("web-app-1").health = agent::Health::kHealthy;
    scenario.converge();
    CHECK(scenario.engine.text() == "web-app-1 app-2 running\n" + old + " app-1 exited\n");
  }
  SECTION("and runs on when that one is unhealthy") {
    scenario.engine.container("web-app-1").health = agent::Health::kUnhealthy;
    scenario.converge();
    CHECK(scenario.engine.text() == both);
  }
  SECTION("and never stops when that one fails") {
    const std::string started = scenario.engine.container(old).started_at;
    scenario.go_back({release("web", {start_first(restarting(service("app")))})});
    scenario.converge();
    CHECK(scenario.engine.text() == "web-app-1 app-1 running\n");
    CHECK(scenario.engine.container("web-app-1").started_at == started);
  }
}

TEST_CASE("a release to come is fetched, and nothing is touched") {
  Scenario scenario = good({release("web", {service("app"), service("db")})});
  v1::Release next = release("web", {service("app", 2), service("db"), service("migrate")});
  next.set_pre("migrate");
  scenario.candidates = desired({next}).stacks;
  scenario.wanted.stacks[0].origin = agent::Origin::kGood;
  CHECK(scenario.plan_text() ==
        "pull image app:2: service 'app' of stack 'web' needs it\n"
        "pull image migrate:1: service 'migrate' of stack 'web' needs it\n"
        "pending web/app (pulling): pulls image 'app:2'\n"
        "pending web/migrate (pulling): pulls image 'migrate:1'\n");
  CHECK(scenario.plan().fetching == std::set<std::string>{"app:2", "migrate:1"});
  CHECK(scenario.plan().fetched.empty());
  scenario.engine.add_image("app:2");
  CHECK(scenario.plan().fetched.empty());
  scenario.engine.add_image("migrate:1");
  CHECK(scenario.plan_text().empty());
  CHECK(scenario.plan().fetched == std::set<std::string>{"web"});
  SECTION("what runs is healed meanwhile") {
    scenario.engine.exit("web-app-1", 1);
    CHECK_THAT(scenario.plan_text(), ContainsSubstring("start container web-app-1"));
    CHECK(scenario.plan().fetched == std::set<std::string>{"web"});
  }
}

TEST_CASE("an image that must be fresh is pulled for a release to come, even when an old one is there") {
  Scenario scenario = good({release("web", {service("app")})});
  scenario.candidates =
      desired({release("web", {with_policy(service("app", 2), v1::PULL_POLICY_ALWAYS)})}).stacks;
  scenario.engine.add_image("app:2");
  CHECK(scenario.plan().fetched.empty());
  CHECK_THAT(scenario.plan_text(), ContainsSubstring("pull image app:2"));
  scenario.past.fresh.insert("web/app");
  CHECK(scenario.plan().fetched == std::set<std::string>{"web"});
  CHECK(scenario.plan().unused == std::set<std::string>{"web/app"});
}
