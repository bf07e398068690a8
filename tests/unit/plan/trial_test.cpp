#include "agent/plan/trial.h"

#include "tests/support/catch.h"
#include "tests/unit/plan/scenario.h"

using namespace hivemind;
using namespace hivemind::agent;
using namespace hivemind::tests;

namespace {

// 'web' in version 2 on an engine in memory; of its two services 'db' has not changed since the good release.
class Watched {
 public:
  explicit Watched(v1::Release release) : scenario_({std::move(release)}) {
    for (const DesiredService& service : stack().services) scenario_.engine.add_image(service.image);
    scenario_.converge();
    scenario_.past.good["web"] = {"sha256:one", "rev", {{"app", "app-1"}, {"db", "db-1"}}, {}, "body"};
    look();
  }
  Watched() : Watched(release("web", {service("app", 2), service("db")})) {}

  void look() { watch(trial, facts()); }
  std::optional<TrialFailure> failure() {
    observed_ = scenario_.engine.observe();
    return failure_in(trial, facts());
  }
  std::string verdict() {
    const auto found = failure();
    return found ? found->release.service + ": " + found->release.text : "";
  }
  Container& container(const std::string& name) { return scenario_.engine.container(name); }
  const DesiredStack& stack() const { return scenario_.wanted.stacks.at(0); }
  Past& past() { return scenario_.past; }

  Trial trial;

 private:
  TrialFacts facts() {
    observed_ = scenario_.engine.observe();
    return {stack(), observed_, scenario_.past, scenario_.wanted.node};
  }
  Scenario scenario_;
  Observed observed_;
};

void end(Container& container, int exit_code) {
  container.status = ContainerStatus::kExited;
  container.exit_code = exit_code;
}

}  // namespace

TEST_CASE("a release whose containers run and are healthy has not failed") {
  Watched it;
  CHECK(it.verdict().empty());
  it.container("web-app-1").health = Health::kStarting;
  CHECK(it.verdict().empty());
}

TEST_CASE("a release fails by what its containers do") {
  Watched it;
  SECTION("end") {
    end(it.container("web-app-1"), 3);
    CHECK(it.verdict() == "app: exited with code 3");
    CHECK(it.failure()->release.exit_code == 3);
    CHECK(it.failure()->container == it.container("web-app-1").id);
  }
  SECTION("end again and again") {
    it.container("web-app-1").restarts = 1;
    CHECK(it.verdict() == "app: ended, and the engine has restarted it");
    it.container("web-app-1").status = ContainerStatus::kRestarting;
    it.container("web-app-1").exit_code = 9;
    CHECK(it.verdict() == "app: exited with code 9, and the engine restarts it");
  }
  SECTION("are unhealthy") {
    it.container("web-app-1").health = Health::kUnhealthy;
    it.container("web-app-1").health_text = "nobody answers\n";
    CHECK(it.verdict() == "app: is unhealthy");
    CHECK(it.failure()->release.output == "nobody answers");
    CHECK(it.failure()->container.empty());
  }
  SECTION("do, though they are those of the release before") {
    end(it.container("web-db-1"), 1);
    CHECK(it.verdict() == "db: exited with code 1");
  }
}

TEST_CASE("a release does not fail by what others do") {
  Watched it;
  SECTION("a hand stops it") {
    end(it.container("web-app-1"), 137);
    it.past().ended_by_hand.insert(it.container("web-app-1").id);
  }
  SECTION("the engine goes, and takes it along") {
    end(it.container("web-app-1"), 143);
    it.trial.watched.clear();
    it.look();
  }
  SECTION("a service ends well that may") {
    end(it.container("web-app-1"), 0);
  }
  SECTION("a service of the release before was unhealthy already") {
    it.trial.watched.clear();
    it.container("web-db-1").health = Health::kUnhealthy;
    it.look();
  }
  CHECK(it.verdict().empty());
}

TEST_CASE("a release fails when the engine refuses a step of it, and not when one goes wrong in passing") {
  Watched it;
  it.trial.refused =
      RefusedStep{"app", v1::REASON_CREATE_FAILED, "create container web-app-1: no such driver"};
  CHECK(it.verdict() == "app: create container web-app-1: no such driver");
  Step step;
  step.stack = "web";
  step.action = CreateContainer{"web-app-1", 1, {}, {}};
  CHECK(is_refusal(step, v1::REASON_CREATE_FAILED));
  CHECK_FALSE(is_refusal(step, v1::REASON_ENGINE_DOWN));
  CHECK_FALSE(is_refusal(step, v1::REASON_DISK_SHORT));
  CHECK_FALSE(is_refusal(step, v1::REASON_APPLYING));
  step.action = RemoveContainer{{"id", "web-app-1"}};
  CHECK_FALSE(is_refusal(step, v1::REASON_ENGINE_REFUSED));
}

TEST_CASE("what a dependency does is told rather than what comes of it") {
  Watched it(release("web", {with_dependency(service("app", 2), "db"), service("db", 2)}));
  end(it.container("web-app-1"), 1);
  end(it.container("web-db-1"), 2);
  CHECK(it.verdict() == "db: exited with code 2");
}

TEST_CASE("the longest soak counts") {
  v1::Service app = service("app"), db = service("db");
  app.set_soak_ms(2'000);
  db.set_soak_ms(500);
  CHECK(soak_of(desired({release("web", {app, db})}).stacks.at(0)) == std::chrono::milliseconds(2'000));
}

TEST_CASE("the last words of a long text are whole lines of UTF-8") {
  CHECK(last_words("one\ntwo\n\n") == "one\ntwo");
  std::string text;
  for (int i = 0; i < 1'000; ++i) text += "line " + std::to_string(i) + "\n";
  const std::string end = last_words(text);
  CHECK(end.size() <= 2'048);
  CHECK(end.starts_with("line "));
  CHECK(end.ends_with("line 999"));
  std::string umlauts;
  for (int i = 0; i < 2'000; ++i) umlauts += "\xc3\xa4";
  CHECK(last_words("x" + umlauts).size() <= 2'048);
  CHECK(last_words("x" + umlauts).starts_with("\xc3\xa4"));
  CHECK(last_words("a\xff") == "a\\xff");
}
