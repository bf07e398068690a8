#include "tests/support/catch.h"
#include "tests/unit/plan/scenario.h"

using namespace hivemind;
using namespace hivemind::tests;

TEST_CASE("a service waits for a healthy dependency") {
  Scenario scenario(
      {release("web", {with_dependency(service("app"), "db", v1::Dependency::HEALTHY), service("db")})});
  scenario.engine.starts_with("db:1", agent::Health::kStarting);
  CHECK(scenario.plan_text() ==
        "create container web-db-1: service 'db' of stack 'web' has no container\n"
        "start container web-db-1: service 'db' of stack 'web' has no container\n"
        "pending web/app (waiting dependency): waits for 'db' to start first\n");
  scenario.converge();
  CHECK(scenario.plan_text() == "pending web/app (waiting dependency): waits for 'db' to be healthy\n");
  CHECK(scenario.states() == "web APPLYING app:PENDING db:APPLYING\n");
  SECTION("that becomes so") {
    scenario.engine.container("web-db-1").health = agent::Health::kHealthy;
    scenario.converge();
    CHECK(scenario.states() == "web RUNNING app:RUNNING db:RUNNING\n");
  }
  SECTION("that does not") {
    scenario.engine.container("web-db-1").health = agent::Health::kUnhealthy;
    CHECK(scenario.plan_text() ==
          "pending web/app (dependency failed): waits for 'db' to be healthy, and it is unhealthy\n");
    CHECK(scenario.states() == "web FAILED app:FAILED db:FAILED\n");
  }
  SECTION("that has no health check") {
    scenario.engine.container("web-db-1").health = agent::Health::kNone;
    CHECK_THAT(scenario.plan_text(), ContainsSubstring("has no health check"));
  }
}

TEST_CASE("a running service is not stopped because its dependency is unhealthy") {
  Scenario scenario(
      {release("web", {with_dependency(service("app"), "db", v1::Dependency::HEALTHY), service("db")})});
  scenario.engine.starts_with("db:1", agent::Health::kHealthy);
  scenario.converge();
  scenario.engine.container("web-db-1").health = agent::Health::kUnhealthy;
  CHECK(scenario.plan_text().empty());
}

TEST_CASE("a service waits for a completed dependency, which is not run twice") {
  Scenario scenario({release(
      "web", {with_dependency(service("app"), "migrate", v1::Dependency::COMPLETED), service("migrate")})});
  SECTION("that ends well") {
    scenario.engine.ends_at_once("migrate:1", 0);
    scenario.converge();
    CHECK(scenario.plan_text().empty());
    CHECK(scenario.states() == "web RUNNING app:RUNNING migrate:COMPLETED\n");
    CHECK(scenario.engine.text() == "web-app-1 app-1 running\nweb-migrate-1 migrate-1 exited\n");
  }
  SECTION("that ends badly") {
    scenario.engine.ends_at_once("migrate:1", 3);
    scenario.apply(scenario.plan());
    CHECK(
        scenario.plan_text() ==
        "start container web-migrate-1: service 'migrate' of stack 'web': its container exited with code 3\n"
        "pending web/app (waiting dependency): waits for 'migrate' to start first\n");
    scenario.past.troubles["web/migrate"] = {3, scenario.now + std::chrono::seconds(4), v1::REASON_EXITED,
                                             "exited with code 3", "migrate-1"};
    CHECK(
        scenario.plan_text() ==
        "pending web/migrate (exited): exited with code 3\n"
        "pending web/app (dependency failed): waits for 'migrate' to complete, and it exited with code 3\n");
    CHECK(scenario.states() == "web FAILED app:FAILED migrate:FAILED\n");
  }
}

TEST_CASE("a changed dependency comes first, and its dependant goes on meanwhile") {
  Scenario scenario({release(
      "web", {with_dependency(service("app"), "migrate", v1::Dependency::COMPLETED), service("migrate")})});
  scenario.engine.ends_at_once("migrate:1", 0);
  scenario.converge();
  scenario.want({release("web", {with_dependency(service("app", 2), "migrate", v1::Dependency::COMPLETED),
                                 service("migrate", 2)})});
  scenario.apply(scenario.plan());
  CHECK(scenario.engine.text() == "web-app-1 app-1 running\nweb-migrate-1 migrate-2 running\n");
  CHECK(scenario.plan_text() == "pending web/app (waiting dependency): waits for 'migrate' to complete\n");
  scenario.engine.exit("web-migrate-1", 0);
  scenario.converge();
  CHECK(scenario.engine.text() == "web-app-1 app-2 running\nweb-migrate-1 migrate-2 exited\n");
}

TEST_CASE("a dependency that is not required does not hold back when it fails") {
  v1::Service app = with_dependency(service("app"), "cache", v1::Dependency::HEALTHY);
  app.mutable_depends_on(0)->set_required(false);
  Scenario scenario({release("web", {app, service("cache")})});
  scenario.engine.starts_with("cache:1", agent::Health::kUnhealthy);
  scenario.converge();
  CHECK(scenario.engine.running() == std::vector<std::string>{"web-app-1", "web-cache-1"});
}

TEST_CASE("a killed container is started again although its dependency is being changed") {
  Scenario scenario({release("web", {with_dependency(service("app"), "db"), service("db")})});
  scenario.converge();
  scenario.want({release("web", {with_dependency(service("app"), "db"), service("db", 2)})});
  scenario.engine.remove_image("db:2");
  scenario.engine.exit("web-app-1", 137);
  CHECK_THAT(scenario.plan_text(), ContainsSubstring("start container web-app-1"));
}
