#include "tests/support/catch.h"
#include "tests/unit/plan/scenario.h"

using namespace hivemind;
using namespace hivemind::tests;

namespace {

struct Change {
  const char* name;
  std::vector<v1::Release> from;
  std::vector<v1::Release> to;
};

v1::Service shared(v1::Service service, const std::string& of) {
  service.set_network_of(of);
  return service;
}

v1::Service sharing(v1::Service service, const std::string& of) {
  service.set_pid_of(of);
  service.add_volumes_from()->set_service(of);
  return service;
}

v1::Service restarting(v1::Service service, const std::string& on) {
  service = with_dependency(std::move(service), on);
  service.mutable_depends_on(0)->set_restart(true);
  return service;
}

v1::Service hooked(v1::Service service) {
  service.add_post_start()->add_command("hi");
  service.add_pre_stop()->add_command("bye");
  return service;
}

v1::Service start_first(v1::Service service) {
  service.set_update_order(v1::UPDATE_ORDER_START_FIRST);
  return service;
}

v1::Service on_port(v1::Service service, const std::string& port) {
  return with_body(service, R"({"Image":")" + service.image() +
                                R"(","HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":")" + port +
                                R"("}]}}})");
}

std::vector<Change> changes() {
  const auto on = [](v1::Service s) { return with_network(std::move(s), "web_default"); };
  const auto on_two = [](v1::Service s) {
    return with_network(with_network(std::move(s), "web_a"), "web_b");
  };
  v1::Release other_network = release("web", {on(service("app"))});
  other_network.mutable_networks(0)->set_config_hash("another");
  return {
      {"first apply", {}, {release("web", {with_dependency(on(service("app")), "db"), on(service("db"))})}},
      {"one service replaced",
       {release("web", {service("app"), service("db")})},
       {release("web", {service("app", 2), service("db")})}},
      {"all replaced, in order",
       {release("web", {with_dependency(on(service("app")), "db"), on(service("db"))})},
       {release("web", {with_dependency(on(service("app", 2)), "db"), on(service("db", 2))})}},
      {"replicas replaced",
       {release("web", {with_replicas(service("app"), 3)})},
       {release("web", {with_replicas(service("app", 2), 2)})}},
      {"two networks",
       {release("web", {on_two(service("app"))})},
       {release("web", {on_two(service("app", 2))})}},
      {"a shared network",
       {release("web", {service("app"), shared(service("side"), "app")})},
       {release("web", {service("app", 2), shared(service("side"), "app")})}},
      {"a changed network", {release("web", {on(service("app"))})}, {other_network}},
      {"a shared namespace and volumes",
       {release("web", {service("app"), sharing(service("side"), "app")})},
       {release("web", {service("app", 2), sharing(service("side"), "app")})}},
      {"a dependency that others restart with",
       {release("web", {restarting(hooked(service("app")), "db"), service("db")})},
       {release("web", {restarting(hooked(service("app")), "db"), service("db", 2)})}},
      {"hooks", {release("web", {hooked(service("app"))})}, {release("web", {hooked(service("app", 2))})}},
      {"start first",
       {release("web", {start_first(hooked(service("app")))})},
       {release("web", {start_first(hooked(service("app", 2)))})}},
      {"swapped ports",
       {release("web", {on_port(service("a"), "80"), on_port(service("b"), "81")})},
       {release("web", {on_port(service("a", 2), "81"), on_port(service("b", 2), "80")})}},
      {"another name", {release("web", {service("app")})}, {release("web", {[] {
                                                                      v1::Service s = service("app", 2);
                                                                      s.set_container_name("mine");
                                                                      return s;
                                                                    }()})}},
      {"a stack removed",
       {release("web", {on(service("app"))}), release("b", {service("x")})},
       {release("b", {service("x")})}},
      {"a name handed on",
       {release("a", {[] {
                  v1::Service s = service("x");
                  s.set_container_name("n");
                  return s;
                }()})},
       {release("b", {[] {
                  v1::Service s = service("y");
                  s.set_container_name("n");
                  return s;
                }()})}},
  };
}

std::string undisturbed(const Change& change) {
  Scenario scenario(change.from);
  scenario.converge();
  scenario.want(change.to);
  scenario.converge();
  return scenario.engine.text();
}

// A service that ran before the change must have a container that runs, or one that is just being started.
bool keeps_something(const Scenario& scenario, const std::string& name) {
  return scenario.engine.text().find(name) != std::string::npos;
}

}  // namespace

TEST_CASE("after a crash at any step of any change the next plans lead to the same end") {
  for (const Change& change : changes()) {
    const std::string expected = undisturbed(change);
    for (std::size_t crash = 0; crash < 30; ++crash) {
      Scenario scenario(change.from);
      scenario.converge();
      scenario.want(change.to);
      std::size_t left = crash;
      for (;;) {
        const agent::Plan plan = scenario.plan();
        if (plan.steps.empty() || left == 0) break;
        scenario.apply(plan, left);
        left -= std::min(left, plan.steps.size());
      }
      INFO(change.name << ", crash after " << crash << " steps, then:\n" << scenario.plan_text());
      scenario.converge();
      CHECK(scenario.engine.text() == expected);
      CHECK(scenario.plan_text().empty());
      if (left > 0) break;  // the change was through before the crash
    }
  }
}

TEST_CASE("after a crash at every step, again and again, the end is the same") {
  for (const Change& change : changes()) {
    const std::string expected = undisturbed(change);
    Scenario scenario(change.from);
    scenario.converge();
    scenario.want(change.to);
    int steps = 0;
    for (agent::Plan plan = scenario.plan(); !plan.steps.empty(); plan = scenario.plan()) {
      scenario.apply(plan, 1);
      INFO(change.name << ": " << to_text(plan) << scenario.engine.text());
      REQUIRE(++steps < 100);
    }
    INFO(change.name);
    CHECK(scenario.engine.text() == expected);
  }
}

TEST_CASE("a replaced service always has a container") {
  for (std::size_t crash = 0; crash < 6; ++crash) {
    Scenario scenario({release("web", {service("app")})});
    scenario.converge();
    scenario.want({release("web", {service("app", 2)})});
    scenario.apply(scenario.plan(), crash);
    CHECK(keeps_something(scenario, "web-app-1"));
  }
}
