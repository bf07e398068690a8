// What becomes of a stack whose release the node's policy forbids, and what is said of it.
#include "agent/plan/jobs.h"
#include "agent/plan/report.h"
#include "agent/plan/targets.h"
#include "tests/support/catch.h"
#include "tests/support/manifest_builder.h"

using namespace hivemind;
using namespace hivemind::agent;
using namespace hivemind::tests;

namespace {

const std::string kWhy = "service 'app' is privileged";

// A stack 'web' whose release of version 1 was good, and which is to run a version 2 that is forbidden.
struct Refused {
  Refused() {
    past.good["web"] = {"sha256:one", "rev", {}, {}, "body"};
    wanted.stacks.at(0).digest = "sha256:two";
  }
  Target choose() const {
    return choose_targets({wanted, past, {"web"}, {}, 1'700'000'000, {}, {}, {{"web", kWhy}}}).at("web");
  }
  v1::StackReport report() const {
    const Targets targets{{"web", choose()}};
    return stack_reports({wanted, observed, past, plan, busy, nullptr, &targets}).at(0);
  }

  Desired wanted = desired({release("web", {service("app", 2)})});
  Past past;
  Observed observed;
  Plan plan;
  std::set<std::string> busy;
};

}  // namespace

TEST_CASE("the good release stays where the next one is forbidden") {
  Refused it;
  CHECK(it.choose().phase == Phase::kRefused);
  CHECK(it.choose().reason == v1::REASON_POLICY_REFUSED);
  CHECK(runs_good(Phase::kRefused));
  SECTION("also when that one was on its way already") {
    it.past.trials["web"] = {"sha256:two"};
    CHECK(it.choose().phase == Phase::kRefused);
  }
  SECTION("also when that one has failed here before") {
    it.past.failed["web"]["sha256:two"].digest = "sha256:two";
    CHECK(it.choose().phase == Phase::kRefused);
  }
  const v1::StackReport report = it.report();
  CHECK(report.state() == v1::STATE_FAILED);
  CHECK(report.reason() == v1::REASON_POLICY_REFUSED);
  CHECK(report.text().find(kWhy + "; release one runs on") == 0);
}

TEST_CASE("nothing is fetched for a release that is forbidden, and no job of it runs") {
  Refused it;
  CHECK_FALSE(is_awaited(Phase::kRefused));
  CHECK_FALSE(is_awaited(Phase::kHeld));
  it.wanted.stacks.at(0).post = "app";
  it.past.good.at("web").digest = "sha256:two";
  for (const Phase phase : {Phase::kRefused, Phase::kHeld})
    CHECK(jobs_of(it.wanted, {{"web", {phase, v1::REASON_POLICY_REFUSED, "", {}}}}, it.past).empty());
}

TEST_CASE("with nothing to go back to, what is there is left as it is") {
  Refused it;
  SECTION("there was no good one") {
    it.past.good.clear();
  }
  SECTION("the good one is forbidden by now") {
    it.past.barred.insert("web");
  }
  SECTION("the good one is just what is forbidden") {
    it.past.good.at("web").digest = "sha256:two";
    it.past.barred.insert("web");
  }
  CHECK(it.choose().phase == Phase::kHeld);
  CHECK_FALSE(runs_good(Phase::kHeld));
  const v1::StackReport report = it.report();
  CHECK(report.state() == v1::STATE_FAILED);
  CHECK(report.reason() == v1::REASON_POLICY_REFUSED);
  CHECK(report.text() == kWhy + "; what is there of the stack is left as it is");
  CHECK(report.services(0).state() == v1::STATE_PENDING);
  CHECK(report.services(0).reason() == v1::REASON_NONE);
}

TEST_CASE("a good release that is forbidden by now does not stand in for an allowed one") {
  Refused it;
  it.past.barred.insert("web");
  CHECK(choose_targets({it.wanted, it.past, {}, {}, 1'700'000'000, {}, {}, {}}).at("web").phase ==
        Phase::kCurrent);
}
