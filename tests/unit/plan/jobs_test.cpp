// Services that run once for an update, as the agent goes through it: pass by pass, with an engine in memory.
#include "agent/plan/jobs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tests/support/catch.h"
#include "tests/unit/plan/scenario.h"

using namespace hivemind;
using namespace hivemind::agent;
using namespace hivemind::tests;

namespace {

const std::map<std::string, std::string> kNoneOpened;
const std::set<std::string> kNoneUnsaved;

v1::Release shop(int version, const std::string& pre = "migrate", const std::string& post = "",
                 std::vector<v1::Service> more = {}) {
  std::vector<v1::Service> services{service("app", version)};
  for (const std::string& job : {pre, post}) {
    if (!job.empty()) services.push_back(service(job, version));
  }
  services.insert(services.end(), more.begin(), more.end());
  v1::Release made = release("shop", services);
  made.set_pre(pre);
  made.set_post(post);
  return made;
}

// What the reconciler does between two looks at the engine. A release is good as soon as all of it runs.
class Node {
 public:
  Node() : scenario({}) {}

  void want(const v1::Release& release) {
    manifest = desired({release}, ++generation_);
    for (const DesiredStack& stack : manifest.stacks) {
      for (const DesiredService& service : stack.services) scenario.engine.add_image(service.image);
    }
  }
  void want_nothing() { manifest = desired({}, ++generation_); }

  // Returns how many steps it did, of at most `most`.
  std::size_t pass(std::size_t most = 1000) {
    look();
    const Plan plan = decide();
    scenario.apply(plan, most);
    for (const Step& step : plan.steps) {
      if (std::holds_alternative<StartContainer>(step.action)) said += to_text(step) + "\n";
    }
    count_starts();
    const bool whole = plan.steps.empty() && !scenario.wanted.stacks.empty();
    if (whole && (phase() == Phase::kTrial || phase() == Phase::kCurrent)) find_good();
    return std::min(most, plan.steps.size());
  }
  void settle() {
    for (int quiet = 0, passes = 0; quiet < 3; ++passes) {
      quiet = pass() == 0 ? quiet + 1 : 0;
      REQUIRE(passes < 40);
    }
  }
  // What is in memory alone is lost.
  void kill() { scenario.past.job_seen.clear(); }

  Phase phase() const { return targets.begin()->second.phase; }
  const Target& target() const { return targets.begin()->second; }
  std::string running() const { return fmt::format("{}", fmt::join(scenario.engine.running(), " ")); }
  int starts_of(const std::string& job) const {
    const auto found = starts.find(job);
    return found == starts.end() ? 0 : found->second;
  }

  Scenario scenario;
  Desired manifest;
  Targets targets;
  std::map<std::string, int> starts;  // by "pre" and "post"
  std::string said;
  std::set<std::string> fetched{"shop"};

 private:
  void look() {
    const Observed observed = scenario.engine.observe();
    note_running(scenario.past, observed, scenario.now);
    for (const EndedJob& ended : ended_jobs(manifest, observed, scenario.past, scenario.now)) {
      const std::string& stack = ended.job.stack->name;
      if (ended.job.kind == JobKind::kPre && !ended.end.text.empty()) {
        scenario.past.failed[stack][ended.job.stack->digest] = failed_release(ended);
      } else {
        scenario.past.jobs[stack][ended.job.label()] = ended.end;
      }
    }
    forget_jobs(scenario.past, manifest);
  }

  Plan decide() {
    const Observed observed = scenario.engine.observe();
    targets = choose_targets({manifest, scenario.past, fetched, kNoneUnsaved, scenario.wall_s, kNoneOpened,
                              begun_jobs(manifest, observed, scenario.past)});
    scenario.wanted = manifest;
    for (DesiredStack& stack : scenario.wanted.stacks) {
      if (runs_good(targets.at(stack.name).phase)) stack = good_;
    }
    scenario.jobs = jobs_of(manifest, targets, scenario.past);
    return scenario.plan();
  }

  void find_good() {
    const auto known = scenario.past.good.find("shop");
    if (known != scenario.past.good.end() && known->second.digest == scenario.wanted.stacks.front().digest)
      return;
    scenario.find_good();
    good_ = scenario.wanted.stacks.front();
    good_.origin = Origin::kGood;
    scenario.past.trials.clear();
  }

  void count_starts() {
    for (const EngineEvent& event : scenario.engine.take_events()) {
      const auto label = event.attributes.find(labels::kJob);
      if (event.action == "start" && label != event.attributes.end())
        ++starts[label->second.substr(0, label->second.find(':'))];
    }
  }

  DesiredStack good_;
  std::uint64_t generation_ = 0;
};

// A node that runs version 1 of the shop.
Node shop_at_1(const std::string& post = "") {
  Node node;
  node.want(shop(1, "", post));
  for (int version : {1, 2}) {
    for (const char* job : {"migrate", "check"})
      node.scenario.engine.ends_at_once(fmt::format("{}:{}", job, version), 0);
  }
  node.settle();
  REQUIRE(node.running() == "shop-app-1");
  return node;
}

std::string image_of(Node& node, const std::string& container) {
  return node.scenario.engine.container(container).image;
}

}  // namespace

TEST_CASE("what runs is not touched before 'pre' has ended well, and then the release is put in place") {
  Node node = shop_at_1();
  node.want(shop(2));
  CHECK(node.pass() == 2);
  CHECK(node.phase() == Phase::kPre);
  CHECK(node.target().reason == v1::REASON_PRE_RUNNING);
  CHECK(image_of(node, "shop-app-1") == "app:1");
  node.settle();
  CHECK(node.running() == "shop-app-1");
  CHECK(image_of(node, "shop-app-1") == "app:2");
  CHECK(node.starts_of("pre") == 1);
  CHECK(node.scenario.engine.observe().jobs.empty());
}

TEST_CASE("a job's container has a name and labels of its own, and holds no slot") {
  Node node = shop_at_1();
  node.want(shop(2));
  node.pass();
  const std::vector<Container> jobs = node.scenario.engine.observe().jobs;
  REQUIRE(jobs.size() == 1);
  const std::string digest = node.manifest.stacks.front().digest;
  CHECK(jobs.front().name == "shop-migrate-" + digest.substr(digest.find(':') + 1, 8));
  CHECK(jobs.front().labels.at(labels::kJob) == "pre:" + digest);
  CHECK(jobs.front().labels.at(labels::kComposeOneoff) == "True");
  CHECK(node.scenario.states() == "shop RUNNING app:RUNNING\n");
}

TEST_CASE("a 'pre' that fails stops the update with nothing touched, until it is tried again by hand") {
  Node node = shop_at_1();
  const std::string before = node.scenario.engine.text();
  node.scenario.engine.ends_at_once("migrate:2", 3);
  node.want(shop(2));
  node.settle();
  CHECK(node.phase() == Phase::kPre);
  CHECK(node.target().reason == v1::REASON_PRE_FAILED);
  CHECK(node.target().text == "service 'migrate' ended with code 3, and nothing was touched");
  CHECK(node.scenario.engine.text() == before);
  CHECK(node.starts_of("pre") == 1);
  node.settle();
  CHECK(node.starts_of("pre") == 1);
  node.scenario.past.failed.clear();  // retry
  node.scenario.engine.ends_at_once("migrate:2", 0);
  node.settle();
  CHECK(node.starts_of("pre") == 2);
  CHECK(image_of(node, "shop-app-1") == "app:2");
}

TEST_CASE("a 'pre' that runs is waited for, also by another agent, and not for ever") {
  Node node = shop_at_1();
  v1::Release slow = shop(2);
  *slow.mutable_services(1) = service("migrate", 7);  // an image that does not end
  node.want(slow);
  node.settle();
  CHECK(node.starts_of("pre") == 1);
  CHECK(node.phase() == Phase::kPre);
  node.kill();
  node.settle();
  CHECK(node.starts_of("pre") == 1);
  SECTION("it ends well") {
    node.scenario.engine.exit(node.scenario.engine.observe().jobs.front().name, 0);
    node.settle();
    CHECK(image_of(node, "shop-app-1") == "app:2");
  }
  SECTION("it does not end") {
    node.scenario.now += kLongestJob;
    node.settle();
    CHECK(node.target().reason == v1::REASON_PRE_FAILED);
    CHECK(node.target().text == "service 'migrate' has run for longer than 1 h, and nothing was touched");
    CHECK(node.scenario.engine.observe().jobs.empty());
    CHECK(image_of(node, "shop-app-1") == "app:1");
  }
  SECTION("the node lost power while it ran: it runs again") {
    node.kill();
    node.scenario.engine.exit(node.scenario.engine.observe().jobs.front().name, 255);
    node.settle();
    CHECK(node.starts_of("pre") == 2);
    CHECK(node.phase() == Phase::kPre);
    CHECK(node.target().reason == v1::REASON_PRE_RUNNING);
  }
  SECTION("it is killed under the agent's eyes: it has failed") {
    node.scenario.engine.exit(node.scenario.engine.observe().jobs.front().name, 137);
    node.settle();
    CHECK(node.starts_of("pre") == 1);
    CHECK(node.target().reason == v1::REASON_PRE_FAILED);
  }
  SECTION("another release is wanted: it is let finish, and the other one's comes after it") {
    const std::string first = node.scenario.engine.observe().jobs.front().name;
    node.scenario.engine.ends_at_once("migrate:3", 0);
    node.want(shop(3));
    node.settle();
    CHECK(node.starts_of("pre") == 1);
    node.scenario.engine.exit(first, 0);
    node.settle();
    CHECK(node.starts_of("pre") == 2);
    CHECK(image_of(node, "shop-app-1") == "app:3");
  }
  SECTION("the stack is not wanted any more: it goes") {
    node.want_nothing();
    for (int i = 0; i < 3; ++i) {
      node.scenario.wanted = node.manifest;
      node.scenario.jobs.clear();
      node.scenario.apply(node.scenario.plan());
    }
    CHECK(node.scenario.engine.text().empty());
  }
}

TEST_CASE("a window that closes meanwhile does not stop what 'pre' has begun") {
  Node node = shop_at_1();
  v1::Release windowed = shop(2);
  v1::Window::Span& span = *windowed.mutable_window()->add_spans();
  span.set_days(0x7f);
  span.set_from_minute(0);
  span.set_to_minute(60);
  node.scenario.wall_s = 7200;
  node.want(windowed);
  node.settle();
  CHECK(node.phase() == Phase::kWindow);
  CHECK(node.starts_of("pre") == 0);
  node.scenario.wall_s = 86400;
  node.pass();
  CHECK(node.starts_of("pre") == 1);
  node.scenario.wall_s = 86400 + 7200;
  node.settle();
  CHECK(image_of(node, "shop-app-1") == "app:2");
}

TEST_CASE("nothing runs before the release has been fetched") {
  Node node = shop_at_1();
  node.fetched.clear();
  node.want(shop(2));
  node.settle();
  CHECK(node.phase() == Phase::kFetching);
  CHECK(node.starts_of("pre") == 0);
}

TEST_CASE("on a new node 'pre' comes after what it depends on, and before all else") {
  Node node;
  v1::Release fresh = shop(1, "migrate", "", {service("db"), service("cache")});
  *fresh.mutable_services(1) = with_dependency(service("migrate", 1), "db");
  node.scenario.engine.ends_at_once("migrate:1", 0);
  node.want(fresh);
  node.settle();
  CHECK(node.running() == "shop-app-1 shop-cache-1 shop-db-1");
  CHECK(node.starts_of("pre") == 1);
  const auto at = [&](const std::string& what) { return node.said.find(what); };
  CHECK(at("start container shop-db-1") < at("start container shop-migrate-"));
  CHECK(at("start container shop-migrate-") < at("start container shop-app-1"));
  CHECK(at("start container shop-migrate-") < at("start container shop-cache-1"));
}

TEST_CASE("on a new node a 'pre' that fails leaves only what it needed") {
  Node node;
  v1::Release fresh = shop(1, "migrate", "", {service("db")});
  *fresh.mutable_services(1) = with_dependency(service("migrate", 1), "db");
  node.scenario.engine.ends_at_once("migrate:1", 1);
  node.want(fresh);
  node.settle();
  CHECK(node.running() == "shop-db-1");
  CHECK(node.phase() == Phase::kFirst);
  CHECK(node.target().reason == v1::REASON_PRE_FAILED);
  CHECK(node.starts_of("pre") == 1);
}

TEST_CASE("'post' runs once when the release is good, and its failure takes nothing back") {
  for (const int code : {0, 4}) {
    INFO(code);
    Node node = shop_at_1();
    node.scenario.engine.ends_at_once("check:2", code);
    node.want(shop(2, "migrate", "check"));
    node.settle();
    CHECK(image_of(node, "shop-app-1") == "app:2");
    CHECK(node.starts_of("pre") == 1);
    CHECK(node.starts_of("post") == 1);
    CHECK(node.scenario.engine.observe().jobs.empty());
    const std::vector<Notice> notices = node.scenario.plan().notices;
    CHECK((notices == std::vector<Notice>{{"shop", notice_kinds::kPostFailed, "check",
                                           "service 'check' ended with code 4"}}) == (code != 0));
    node.kill();
    node.settle();
    CHECK(node.starts_of("post") == 1);
  }
}

TEST_CASE("a job's networks are made where they are not there, and no others") {
  Node node = shop_at_1();
  v1::Release wired = shop(2);
  *wired.mutable_services(1) = with_network(with_network(service("migrate", 2), "shop_back"), "shop_more");
  wired = release("shop", {wired.services(0), wired.services(1)});
  wired.set_pre("migrate");
  node.want(wired);
  node.pass();
  CHECK(node.scenario.engine.network_exists("shop_back"));
  CHECK(node.scenario.engine.observe().jobs.front().networks ==
        std::vector<std::string>{"shop_back", "shop_more"});
  node.settle();
  CHECK(image_of(node, "shop-app-1") == "app:2");
}

TEST_CASE("an agent that is killed after any step runs no job twice, and ends where it would have") {
  const auto update = [](std::size_t killed_after) {
    Node node = shop_at_1();
    node.want(shop(2, "migrate", "check"));
    std::size_t left = killed_after;
    bool killed = false;
    for (int passes = 0; passes < 40; ++passes) {
      const std::size_t done = node.pass(killed ? 1000 : left);
      if (!killed && done == left) {
        node.kill();
        killed = true;
      } else if (!killed) {
        left -= done;
      }
    }
    CHECK(node.starts_of("pre") == 1);
    CHECK(node.starts_of("post") == 1);
    CHECK(image_of(node, "shop-app-1") == "app:2");
    CHECK(node.scenario.engine.observe().jobs.empty());
    return killed;
  };
  std::size_t boundaries = 0;
  for (bool more = true; more; ++boundaries) {
    INFO(boundaries);
    more = update(boundaries);
  }
  CHECK(boundaries > 8);
}
