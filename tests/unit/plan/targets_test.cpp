#include "agent/plan/targets.h"

#include "tests/support/catch.h"
#include "tests/support/manifest_builder.h"

using namespace hivemind;
using namespace hivemind::agent;
using namespace hivemind::tests;

namespace {

// A stack 'web' whose release of version 1 was good, and which is to run version 2.
struct Choice {
  Choice() {
    past.good["web"] = {"sha256:one", "rev", {}, {}, "body"};
    wanted.stacks.at(0).digest = "sha256:two";
  }
  Target choose() const { return choose_targets({wanted, past, fetched, unsaved, wall_s, opened}).at("web"); }
  void close_window() {
    DesiredWindow window;
    window.spans = {{1, 120, 240}};  // Mondays, 02:00 to 04:00
    window.posix_tz = "UTC0";
    window.text = "Mon 02:00-04:00 UTC";
    wanted.stacks.at(0).window = window;
  }
  Desired wanted = desired({release("web", {service("app", 2)})});
  Past past;
  std::set<std::string> fetched{"web"};
  std::set<std::string> unsaved;
  std::optional<std::int64_t> wall_s = 1'700'000'000;  // Tue 2023-11-14 22:13:20
  std::map<std::string, std::string> opened;
};

}  // namespace

TEST_CASE("a release that can be gone back from, or is the good one, runs at once") {
  Choice it;
  it.fetched.clear();
  it.unsaved = {"web"};
  it.close_window();
  SECTION("there is no good one") {
    it.past.good.clear();
  }
  SECTION("the good one's body is not known") {
    it.past.good.at("web").release.clear();
  }
  SECTION("it is the good one") {
    it.past.good.at("web").digest = "sha256:two";
  }
  CHECK(it.choose().phase == Phase::kCurrent);
}

TEST_CASE("a release takes the good one's place when it is fetched, saved and allowed") {
  Choice it;
  CHECK(it.choose().phase == Phase::kTrial);
  SECTION("not before it is fetched") {
    it.fetched.clear();
    CHECK(it.choose().phase == Phase::kFetching);
  }
  SECTION("not before the good one is on the disk") {
    it.unsaved = {"web"};
    CHECK(it.choose().phase == Phase::kUnsaved);
    CHECK(it.choose().reason == v1::REASON_STORE_FAILED);
  }
  SECTION("not before its window opens") {
    it.close_window();
    CHECK(it.choose().phase == Phase::kWindow);
    CHECK(it.choose().reason == v1::REASON_WINDOW_CLOSED);
    REQUIRE(it.choose().look_s);
    const std::int64_t opens = *it.choose().look_s;
    it.wall_s = opens - 1;
    CHECK(it.choose().phase == Phase::kWindow);
    it.wall_s = opens;
    CHECK(it.choose().phase == Phase::kTrial);
  }
  SECTION("unless an operator opens the window for it") {
    it.close_window();
    it.opened["web"] = "sha256:three";
    CHECK(it.choose().phase == Phase::kWindow);
    it.opened["web"] = "sha256:two";
    CHECK(it.choose().phase == Phase::kTrial);
  }
  SECTION("not by a clock that nobody has set") {
    it.close_window();
    it.wall_s.reset();
    CHECK(it.choose().reason == v1::REASON_CLOCK_UNSET);
  }
}

TEST_CASE("what has begun goes on, whatever closes meanwhile") {
  Choice it;
  it.past.trials["web"].digest = "sha256:two";
  it.fetched.clear();
  it.unsaved = {"web"};
  it.close_window();
  CHECK(it.choose().phase == Phase::kTrial);
  it.past.trials["web"].digest = "sha256:another";
  CHECK(it.choose().phase == Phase::kFetching);
}

TEST_CASE("a release that failed here is not tried again, whatever else holds") {
  Choice it;
  it.past.failed["web"]["sha256:two"].digest = "sha256:two";
  CHECK(it.choose().phase == Phase::kRolledBack);
  it.past.trials["web"].digest = "sha256:two";
  CHECK(it.choose().phase == Phase::kRolledBack);
  SECTION("another one is") {
    it.wanted.stacks.at(0).digest = "sha256:three";
    CHECK(it.choose().phase == Phase::kTrial);
  }
  SECTION("and only where there is one to go back to") {
    it.past.good.clear();
    CHECK(it.choose().phase == Phase::kCurrent);
  }
}
