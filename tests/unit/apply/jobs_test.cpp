// Services that run once for an update, by the reconciler over an engine in memory.
#include <algorithm>

#include "agent/apply/reconciler.h"
#include "tests/support/catch.h"
#include "tests/support/fake_engine.h"
#include "tests/support/manifest_builder.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/apply/loop.h"
#include "tests/unit/apply/reconciled_node.h"

using namespace hivemind;
using namespace hivemind::agent;
using namespace hivemind::tests;

namespace {

v1::Release shop(int version) {
  v1::Release made =
      release("shop", {service("app", version), service("check", version), service("migrate", version)});
  made.set_pre("migrate");
  made.set_post("check");
  return made;
}

class Node : public ReconciledNode {
 public:
  Node() {
    for (const char* job : {"migrate:1", "migrate:2", "check:1", "check:2"})
      engine.model.ends_at_once(job, 0);
  }

  v1::StackReport report() const {
    if (!reconciler().standing().desired) return {};
    const auto reports = stack_reports(reconciler().findings());
    return reports.empty() ? v1::StackReport() : reports.front();
  }
  bool is_done(int version) const {
    const bool has_jobs = !engine.model.observe().jobs.empty();
    const auto good = reconciler().past().good.find("shop");
    return !has_jobs && good != reconciler().past().good.end() &&
           good->second.digest == shop(version).digest() && reconciler().past().jobs.contains("shop") &&
           post_is_over(version);
  }
  bool post_is_over(int version) const {
    return reconciler().past().jobs.at("shop").contains("post:" + shop(version).digest());
  }
  bool finish(int version) {
    return run_until(loop, [&] { return is_done(version); });
  }
  // Of containers of that service, so far.
  long starts_of(const std::string& service) const {
    return std::ranges::count_if(engine.writes, [&](const std::string& write) {
      return write.starts_with("start shop-" + service + "-");
    });
  }
  bool has_happened(const std::string& kind) const {
    return std::ranges::find(happenings, kind + " shop") != happenings.end();
  }
};

}  // namespace

TEST_CASE("pre and post run once for a first release, and once for an update") {
  Node node;
  node.start();
  node.want({shop(1)});
  REQUIRE(node.finish(1));
  CHECK(node.starts_of("migrate") == 1);
  CHECK(node.starts_of("check") == 1);
  node.want({shop(2)});
  REQUIRE(node.finish(2));
  CHECK(node.starts_of("migrate") == 2);
  CHECK(node.starts_of("check") == 2);
  CHECK(node.engine.model.text() == "shop-app-1 app-2 running\n");
  CHECK(run_until(node.loop, [&] { return node.report().state() == v1::STATE_RUNNING; }));
  CHECK(node.has_happened("pre_done"));
  CHECK(node.has_happened("post_done"));
  node.start();
  node.want({shop(2)});
  REQUIRE(node.finish(2));
  CHECK(node.starts_of("migrate") == 2);
}

TEST_CASE("a pre that fails is told of with its code and last lines, and tried again by hand only") {
  Node node;
  node.start();
  node.want({shop(1)});
  REQUIRE(node.finish(1));
  node.engine.model.ends_at_once("migrate:2", 3);
  node.engine.model.logs("migrate:2", "no such table\n");
  node.want({shop(2)});
  REQUIRE(run_until(node.loop, [&] {
    return node.report().reason() == v1::REASON_PRE_FAILED && node.engine.model.observe().jobs.empty();
  }));
  const v1::StackReport report = node.report();
  CHECK(report.state() == v1::STATE_FAILED);
  CHECK(report.text() == "service 'migrate' ended with code 3, and nothing was touched");
  CHECK(report.failed().exit_code() == 3);
  CHECK(report.failed().output() == "no such table");
  CHECK(report.running_digest() == shop(1).digest());
  CHECK(node.has_happened("pre_failed"));
  CHECK_FALSE(node.has_happened("rolled_back"));
  CHECK(node.engine.model.text() == "shop-app-1 app-1 running\n");
  run_for(node.loop, std::chrono::milliseconds(300));
  CHECK(node.starts_of("migrate") == 2);
  node.engine.model.ends_at_once("migrate:2", 0);
  node.reconciler().retry("shop");
  REQUIRE(node.finish(2));
  CHECK(node.starts_of("migrate") == 3);
}

TEST_CASE("a pre that fails on a new node leaves the stack failed") {
  Node node;
  node.engine.model.ends_at_once("migrate:1", 1);
  node.start();
  node.want({shop(1)});
  REQUIRE(run_until(node.loop, [&] { return node.report().reason() == v1::REASON_PRE_FAILED; }));
  CHECK(node.report().state() == v1::STATE_FAILED);
  CHECK(node.engine.model.running().empty());
}

TEST_CASE("a post that fails takes nothing back and leaves a notice, until it is tried again") {
  Node node;
  node.engine.model.ends_at_once("check:1", 4);
  node.engine.model.logs("check:1", "not reachable\n");
  node.start();
  node.want({shop(1)});
  REQUIRE(node.finish(1));
  REQUIRE(run_until(node.loop, [&] { return node.report().notices_size() == 1; }));
  CHECK(run_until(node.loop, [&] { return node.report().state() == v1::STATE_RUNNING; }));
  CHECK(node.report().notices(0).kind() == "post_failed");
  CHECK(node.report().notices(0).text() == "service 'check' ended with code 4: not reachable");
  CHECK(node.has_happened("post_failed"));
  node.engine.model.ends_at_once("check:1", 0);
  node.reconciler().retry("");
  REQUIRE(run_until(node.loop, [&] { return node.has_happened("post_done"); }));
  CHECK(node.starts_of("check") == 2);
}

TEST_CASE("a release whose post still runs is told of as running, with what is to come") {
  Node node;
  node.start();
  node.want({shop(1)});
  REQUIRE(node.finish(1));
  v1::Release next = release("shop", {service("app", 2), service("check", 9), service("migrate", 2)});
  next.set_pre("migrate");
  next.set_post("check");  // version 9 does not end
  node.want({next});
  REQUIRE(run_until(node.loop, [&] { return node.starts_of("check") == 2; }));
  CHECK(run_until(node.loop, [&] {
    return node.report().reason() == v1::REASON_POST_RUNNING && node.report().state() == v1::STATE_RUNNING;
  }));
  CHECK(node.report().good_digest() == next.digest());
}

TEST_CASE("a container of a job stays until its end is on the disk") {
  Node node;
  node.start();
  node.want({shop(1)});
  REQUIRE(node.finish(1));
  node.want({shop(2)});
  node.engine.model.ends_at_once("migrate:2", 0);
  REQUIRE(run_until(node.loop, [&] { return node.starts_of("migrate") == 2; }));
  node.is_saved = false;
  run_for(node.loop, std::chrono::milliseconds(200));
  CHECK(node.engine.model.observe().jobs.size() == 1);
  node.start();  // one that knows only what was on the disk
  node.is_saved = true;
  node.want({shop(2)});
  REQUIRE(node.finish(2));
  CHECK(node.starts_of("migrate") == 2);
}

TEST_CASE("an agent that is killed at any write of an update with jobs runs none twice, and ends the same") {
  int boundaries = 0;
  for (bool more = true; more;) {
    Node node;
    node.start();
    node.want({shop(1)});
    REQUIRE(node.finish(1));
    node.engine.freeze_at_write(++boundaries);
    node.want({shop(2)});
    INFO("write " << boundaries);
    run_until(node.loop, [&] { return node.engine.frozen() || node.is_done(2); });
    more = node.engine.frozen();
    node.start();  // the frozen one never hears of its calls again
    node.engine.thaw();
    node.want({shop(2)});
    REQUIRE(node.finish(2));
    CHECK(run_until(node.loop, [&] { return node.engine.model.text() == "shop-app-1 app-2 running\n"; }));
    CHECK(node.starts_of("migrate") == 2);
    CHECK(node.starts_of("check") == 2);
    CHECK(node.engine.model.observe().jobs.empty());
  }
  CHECK(boundaries > 8);
}
