#include "tests/support/catch.h"
#include "tests/unit/plan/scenario.h"

using namespace hivemind;
using namespace hivemind::tests;

TEST_CASE(
    "a first apply makes networks, then containers, and starts them in the order of their dependencies") {
  Scenario scenario({release("web", {with_dependency(with_network(service("app"), "web_default"), "db"),
                                     with_network(service("db"), "web_default")})});
  CHECK(scenario.plan_text() ==
        "create network web_default: stack 'web' has no network 'default'\n"
        "create container web-db-1: service 'db' of stack 'web' has no container\n"
        "start container web-db-1: service 'db' of stack 'web' has no container\n"
        "create container web-app-1: service 'app' of stack 'web' has no container\n"
        "start container web-app-1: service 'app' of stack 'web' has no container\n");
  const agent::Plan plan = scenario.plan();
  CHECK(plan.steps[3].after == std::vector<std::size_t>{0});     // app is made beside db
  CHECK(plan.steps[4].after == std::vector<std::size_t>{2, 3});  // and started after it
  CHECK(scenario.converge() == 1);
  CHECK(scenario.engine.running() == std::vector<std::string>{"web-app-1", "web-db-1"});
  CHECK(scenario.states() == "web RUNNING app:RUNNING db:RUNNING\n");
}

TEST_CASE("an unchanged stack needs no steps and no questions") {
  Scenario scenario(
      {release("web", {with_network(service("app"), "web_default"), with_replicas(service("work"), 3)})});
  scenario.converge();
  const std::set<std::string> busy;
  const agent::Observed observed = scenario.engine.observe();
  const agent::Plan plan =
      agent::make_plan({scenario.wanted, observed, scenario.past, {}, scenario.api, busy, scenario.now});
  CHECK(to_text(plan).empty());
  CHECK(plan.questions.empty());
}

TEST_CASE("the order in a manifest does not matter") {
  const std::vector<v1::Service> services{with_dependency(service("a"), "c"), service("b"), service("c")};
  const std::vector<v1::Service> turned{services[2], services[1], services[0]};
  const Scenario first({release("web", services), release("other", {service("x")})});
  const Scenario second({release("other", {service("x")}), release("web", turned)});
  CHECK(first.plan_text() == second.plan_text());
}

TEST_CASE("only a changed service is replaced, and its old container stops when the new one is made") {
  Scenario scenario({release("web", {service("app"), service("db")})});
  scenario.converge();
  const std::string id = scenario.engine.container("web-app-1").id.substr(0, 8);
  scenario.want({release("web", {service("app", 2), service("db")})});
  const std::string cause = ": service 'app' of stack 'web': its definition has changed\n";
  CHECK(scenario.plan_text() == "rename container web-app-1 to web-app-1." + id + cause +
                                    "create container web-app-1" + cause + "stop container web-app-1" +
                                    cause + "start container web-app-1" + cause +
                                    "remove container web-app-1" + cause);
  CHECK(scenario.plan().steps[3].after == std::vector<std::size_t>{1, 2});
  CHECK(scenario.converge() == 1);
  CHECK(scenario.engine.text() == "web-app-1 app-2 running\nweb-db-1 db-1 running\n");
}

TEST_CASE("a replica follows the other when a service is replaced") {
  Scenario scenario({release("web", {with_replicas(service("app"), 2)})});
  scenario.converge();
  scenario.want({release("web", {with_replicas(service("app", 2), 2)})});
  const agent::Plan plan = scenario.plan();
  std::vector<std::size_t> starts;
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    if (std::holds_alternative<agent::StartContainer>(plan.steps[i].action)) starts.push_back(i);
    if (!std::holds_alternative<agent::StopContainer>(plan.steps[i].action) || starts.empty()) continue;
    CHECK(std::ranges::find(plan.steps[i].after, starts.front()) != plan.steps[i].after.end());
  }
  CHECK(starts.size() == 2);
  scenario.converge();
  CHECK(scenario.engine.text() == "web-app-1 app-2 running\nweb-app-2 app-2 running\n");
}

TEST_CASE("an absent image is pulled first, and nothing is stopped meanwhile") {
  Scenario scenario({release("web", {service("app")})});
  scenario.converge();
  scenario.want({release("web", {service("app", 2)})});
  scenario.engine.remove_image("app:2");
  CHECK(scenario.plan_text() ==
        "pull image app:2: service 'app' of stack 'web' needs it\n"
        "pending web/app (pulling): pulls image 'app:2'\n");
  SECTION("while it is pulled") {
    scenario.past.fetches["app:2"] = {agent::Fetch::State::kPulling, {}, v1::REASON_PULLING, "pulls"};
    CHECK(scenario.plan_text() == "pending web/app (pulling): pulls\n");
  }
  SECTION("when it has failed") {
    const auto later = scenario.now + std::chrono::seconds(5);
    scenario.past.fetches["app:2"] = {agent::Fetch::State::kFailed, later, v1::REASON_PULL_FAILED,
                                      "no such image"};
    CHECK(scenario.plan_text() == "pending web/app (pull failed): no such image\n");
    CHECK(scenario.plan().next_look == later);
    CHECK(scenario.states() == "web FAILED app:FAILED\n");
    scenario.now = later;
    CHECK_THAT(scenario.plan_text(), ContainsSubstring("pull image app:2"));
    CHECK(scenario.states() == "web APPLYING app:APPLYING\n");
  }
  CHECK(scenario.engine.text() == "web-app-1 app-1 running\n");
}

TEST_CASE("pull policies are kept") {
  SECTION("never: an absent image is a failure") {
    Scenario scenario({release("web", {with_policy(service("app"), v1::PULL_POLICY_NEVER)})});
    scenario.engine.remove_image("app:1");
    CHECK_THAT(scenario.plan_text(), ContainsSubstring("pending web/app (image absent)"));
    CHECK(scenario.plan().steps.empty());
  }
  SECTION("always: it is pulled for every new container, and not for one that runs") {
    Scenario scenario({release("web", {with_policy(service("app"), v1::PULL_POLICY_ALWAYS)})});
    CHECK_THAT(scenario.plan_text(), ContainsSubstring("pull image app:1"));
    scenario.past.fresh.insert("web/app");
    scenario.converge();
    scenario.past.fresh.clear();
    CHECK(scenario.plan_text().empty());
  }
  SECTION("always, with no registry in reach: the image that is there will do where nothing runs") {
    Scenario scenario({release("web", {with_policy(service("app"), v1::PULL_POLICY_ALWAYS)})});
    scenario.past.fetches["app:1"] = {agent::Fetch::State::kFailed, scenario.now + std::chrono::seconds(5),
                                      v1::REASON_PULL_FAILED, "no route"};
    CHECK_THAT(scenario.plan_text(), ContainsSubstring("create container web-app-1"));
  }
}

TEST_CASE("what is not wanted any more goes, and nothing else does") {
  Scenario scenario({release("web", {with_network(service("app"), "web_default"), service("old")}),
                     release("tmp", {service("x")})});
  scenario.converge();
  SECTION("a service of a stack") {
    scenario.want(
        {release("web", {with_network(service("app"), "web_default")}), release("tmp", {service("x")})});
    CHECK(scenario.plan_text() ==
          "stop container web-old-1: stack 'web' has no service 'old'\n"
          "remove container web-old-1: stack 'web' has no service 'old'\n");
  }
  SECTION("a stack with its network") {
    scenario.want({release("tmp", {service("x")})});
    CHECK(scenario.plan_text() ==
          "stop container web-app-1: stack 'web' is not wanted on this node\n"
          "remove container web-app-1: stack 'web' is not wanted on this node\n"
          "stop container web-old-1: stack 'web' is not wanted on this node\n"
          "remove container web-old-1: stack 'web' is not wanted on this node\n"
          "remove network web_default: stack 'web' does not want it\n");
    scenario.converge();
    CHECK(scenario.engine.text() == "tmp-x-1 x-1 running\n");
    CHECK(!scenario.engine.network_exists("web_default"));
  }
  SECTION("replicas") {
    scenario.want(
        {release("web", {with_replicas(with_network(service("app"), "web_default"), 0), service("old")}),
         release("tmp", {service("x")})});
    scenario.converge();
    CHECK(scenario.engine.running() == std::vector<std::string>{"tmp-x-1", "web-old-1"});
  }
}

TEST_CASE("what does not carry our label and this node's is never named in a step") {
  Scenario scenario({release("web", {service("app")})});
  scenario.converge();
  agent::Container foreign = scenario.engine.container("web-app-1");
  foreign.id = "foreign";
  foreign.name = "theirs";
  foreign.labels.erase(agent::labels::kManaged);
  scenario.engine.add_container(foreign);
  foreign.id = "neighbour";
  foreign.name = "of-another-node";
  foreign.labels[agent::labels::kManaged] = "true";
  foreign.labels[agent::labels::kNode] = "pi-2";
  scenario.engine.add_container(foreign);
  CHECK(scenario.plan_text().empty());
  scenario.want({});
  scenario.converge();
  CHECK(scenario.engine.running() == std::vector<std::string>{"of-another-node", "theirs"});
}

TEST_CASE("a changed network is made anew with all that is on it") {
  v1::Release web = release("web", {with_network(service("app"), "web_default"), service("db")});
  Scenario scenario({web});
  scenario.converge();
  web.mutable_networks(0)->set_config_hash("another");
  scenario.want({web});
  const std::string app = scenario.engine.container("web-app-1").id;
  const std::string db = scenario.engine.container("web-db-1").id;
  scenario.converge();
  CHECK(scenario.engine.container("web-app-1").id != app);
  CHECK(scenario.engine.container("web-db-1").id == db);
  CHECK(scenario.states() == "web RUNNING app:RUNNING db:RUNNING\n");
}

TEST_CASE("below API 1.44 further networks are connected before the start") {
  Scenario scenario({release("web", {with_network(with_network(service("app"), "web_a"), "web_b")})});
  SECTION("1.41") {
    CHECK_THAT(scenario.plan_text(), ContainsSubstring("connect container web-app-1 to network web_b"));
  }
  SECTION("1.44") {
    scenario.api = {1, 44};
    CHECK(scenario.plan_text().find("connect") == std::string::npos);
  }
  scenario.converge();
  CHECK(scenario.engine.container("web-app-1").networks == std::vector<std::string>{"web_a", "web_b"});
}

TEST_CASE("an external network must be there, and is never made") {
  Scenario scenario({release("web", {with_network(service("app"), "shared")})});
  CHECK(scenario.plan_text() ==
        "pending web/app (external absent): external network 'shared' does not exist on this node (create "
        "it)\n");
  CHECK(scenario.plan().next_look);
  scenario.engine.add_network({"n", "shared", {}});
  scenario.converge();
  CHECK(scenario.states() == "web RUNNING app:RUNNING\n");
}

TEST_CASE("an engine that is too old gets no steps") {
  v1::Release web = release("web", {service("app")});
  web.set_engine_api("1.44");
  const Scenario scenario({web});
  CHECK(
      scenario.plan_text() ==
      "pending web/ (engine too old): needs Engine API 1.44, the engine speaks 1.41 (upgrade the engine)\n");
  CHECK(scenario.states() == "web FAILED app:PENDING\n");
}

TEST_CASE("a stack with steps under way is left alone") {
  const Scenario scenario({release("web", {service("app")}), release("other", {service("x")})});
  agent::Answers answers;
  answers.images = {{"app:1", "id"}, {"x:1", "id"}};
  const std::set<std::string> busy{"web"};
  const agent::Plan plan = agent::make_plan(
      {scenario.wanted, scenario.engine.observe(), scenario.past, answers, scenario.api, busy, scenario.now});
  REQUIRE(plan.steps.size() == 2);
  CHECK(plan.steps[0].stack == "other");
}

TEST_CASE("a service that shares another's network follows it") {
  v1::Service side = service("side");
  side.set_network_of("app");
  Scenario scenario({release("web", {service("app"), side})});
  scenario.converge();
  CHECK(scenario.engine.container("web-side-1").bases.contains(scenario.engine.container("web-app-1").id));
  const std::string before = scenario.engine.container("web-side-1").id;
  SECTION("when it is replaced") {
    scenario.want({release("web", {service("app", 2), side})});
    scenario.converge();
    CHECK(scenario.engine.container("web-side-1").id != before);
    CHECK(scenario.engine.container("web-side-1").bases.contains(scenario.engine.container("web-app-1").id));
  }
  SECTION("when it is started again") {
    scenario.engine.exit("web-app-1", 1);
    scenario.converge();
    CHECK(scenario.engine.container("web-side-1").id == before);
    CHECK(scenario.engine.container("web-side-1").started_at >
          scenario.engine.container("web-app-1").started_at);
  }
  CHECK(scenario.engine.running() == std::vector<std::string>{"web-app-1", "web-side-1"});
}
