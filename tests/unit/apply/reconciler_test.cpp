#include "agent/apply/reconciler.h"

#include <algorithm>
#include <fstream>

#include "common/digest.h"
#include "common/file.h"
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

class Node : public ReconciledNode {
 public:
  std::string text_of(const std::string& service) {
    for (const Pending& pending : reconciler().standing().plan.pending) {
      if (pending.service == service) return pending.text;
    }
    return "";
  }
};

std::vector<v1::Release> web(int version) {
  return {release("web", {with_dependency(with_network(service("app", version), "web_default"), "db"),
                          with_network(service("db"), "web_default")})};
}

}  // namespace

TEST_CASE("a manifest is applied, and the same again writes nothing") {
  Node node;
  node.start();
  node.want(web(1));
  REQUIRE(node.settle());
  CHECK(node.engine.model.running() == std::vector<std::string>{"web-app-1", "web-db-1"});
  const std::size_t writes = node.engine.writes.size();
  const int observations = node.engine.observations;
  node.want(web(1));
  REQUIRE(node.settle());
  CHECK(node.engine.writes.size() == writes);
  CHECK(node.engine.observations <= observations + 2);
}

TEST_CASE("a restarted agent writes nothing") {
  Node node;
  node.start();
  node.want(web(1));
  REQUIRE(node.settle());
  const std::size_t writes = node.engine.writes.size();
  node.start();
  node.want(web(1));
  REQUIRE(node.settle());
  CHECK(node.engine.writes.size() == writes);
}

TEST_CASE("a container that is removed by hand is made again on the engine's event") {
  Node node;
  node.start();
  node.want(web(1));
  REQUIRE(node.settle());
  node.engine.model.remove_container(node.engine.model.container("web-app-1").id, true);
  node.engine.send_events();
  CHECK(run_until(
      node.loop, [&] { return node.engine.model.running().size() == 2; }, std::chrono::seconds(2)));
  REQUIRE(node.settle());
  CHECK(node.happenings == std::vector<std::string>{"drift_healed web"});
}

TEST_CASE("what ends by itself is started at once, then less and less often") {
  Node node;
  node.engine.model.ends_at_once("app:1", 1);
  node.start();
  node.want({release("web", {service("app")})});
  const auto starts = [&] { return std::ranges::count(node.engine.writes, "start web-app-1"); };
  CHECK(run_until(
      node.loop, [&] { return starts() == 2; }, std::chrono::milliseconds(500)));
  run_for(node.loop, std::chrono::milliseconds(500));
  CHECK(starts() == 2);
  CHECK(run_until(
      node.loop, [&] { return starts() == 3; }, std::chrono::seconds(2)));
}

TEST_CASE("what ends well by itself is done, what is stopped is started again") {
  Node node;
  node.start();
  node.want({release("web", {service("app"), service("job")})});
  REQUIRE(node.settle());
  node.engine.model.exit("web-job-1", 0);
  node.engine.model.stop_container(node.engine.model.container("web-app-1").id);
  node.engine.send_events();
  CHECK(run_until(node.loop, [&] { return node.engine.model.running().size() == 1; }));
  REQUIRE(node.settle());
  run_for(node.loop, std::chrono::milliseconds(100));
  CHECK(node.engine.model.running() == std::vector<std::string>{"web-app-1"});
  CHECK(node.reconciler().past().completed.contains(node.engine.model.container("web-job-1").id));
}

TEST_CASE("one step that fails leaves the others, and is tried again") {
  Node node;
  node.start();
  node.engine.fail_writes_like("create bad", Error(ErrorCode::kInternal, "no such device"));
  node.want({release("bad", {service("app"), with_dependency(service("next"), "app")}),
             release("good", {service("app", 2)})});
  CHECK(run_until(node.loop,
                  [&] { return node.engine.model.running() == std::vector<std::string>{"good-app-1"}; }));
  CHECK(
      run_until(node.loop, [&] { return node.text_of("app").find("no such device") != std::string::npos; }));
  CHECK(stack_reports(node.reconciler().findings())[0].reason() == v1::REASON_CREATE_FAILED);
  CHECK(stack_reports(node.reconciler().findings())[1].state() == v1::STATE_RUNNING);
  node.engine.mend();
  CHECK(run_until(node.loop, [&] { return node.engine.model.running().size() == 3; }));
}

TEST_CASE("a slow pull holds up neither healing nor a new manifest") {
  Node node;
  node.start();
  node.want(web(1));
  REQUIRE(node.settle());
  node.engine.hold_pull("big:1");
  auto releases = web(1);
  releases.push_back(release("slow", {service("big")}));
  node.want_unpulled(releases);
  REQUIRE(run_until(node.loop, [&] { return node.text_of("big") == "pulls image 'big:1'"; }));
  node.engine.model.remove_container(node.engine.model.container("web-db-1").id, true);
  node.engine.send_events();
  CHECK(run_until(
      node.loop, [&] { return node.engine.model.running().size() == 2; }, std::chrono::seconds(2)));
  SECTION("and goes on in the end") {
    node.engine.release();
    CHECK(run_until(node.loop, [&] { return node.engine.model.running().size() == 3; }));
  }
  SECTION("and is given up when nobody wants it any more") {
    node.want(web(2));
    REQUIRE(node.settle());
    CHECK(node.engine.model.container("web-app-1").labels.at(labels::kConfigHash) == "app-2");
    node.engine.release();
    run_for(node.loop, std::chrono::milliseconds(50));
    CHECK(node.engine.model.running().size() == 2);
  }
}

TEST_CASE("how far a pull is stands in the report, also of a release to come") {
  Node node;
  node.start();
  node.want({release("web", {service("app")})});
  REQUIRE(node.settle());
  node.engine.hold_pull("app:2");
  node.engine.progress["app:2"] = {{12'000'000, 28'000'000}};
  node.want_unpulled({release("web", {service("app", 2)})});
  const auto report = [&] { return stack_reports(node.reconciler().findings())[0].services(0); };
  CHECK(run_until(node.loop, [&] { return node.settled() && report().fetch_bytes() == 28'000'000; }));
  CHECK(report().fetched_bytes() == 12'000'000);
  node.engine.release();
  CHECK(run_until(node.loop, [&] { return node.settled() && report().fetch_bytes() == 0; }));
}

TEST_CASE("a pull goes on while its stack has steps under way") {
  Node node;
  node.start();
  node.engine.hold_pull("x:1");
  for (const char* image : {"y:1", "z:1"}) node.engine.model.add_image(image);
  node.want_unpulled({release("a", {service("x"), service("y")}), release("b", {service("z")})});
  REQUIRE(run_until(node.loop, [&] { return node.engine.model.running().size() == 2; }));
  node.engine.hold_pull("x:2");
  node.engine.hold_stops("a-y-1");
  node.want_unpulled({release("a", {service("x", 2)}), release("b", {service("z")})});
  const auto calls = [&](const std::string& call) { return std::ranges::count(node.engine.writes, call); };
  REQUIRE(run_until(node.loop, [&] { return calls("pull x:2") == 1 && calls("stop a-y-1") == 1; }));
  node.engine.model.remove_container(node.engine.model.container("b-z-1").id, true);
  node.engine.send_events();
  REQUIRE(run_until(node.loop, [&] { return node.engine.model.has_container("b-z-1"); }));
  node.engine.release();
  REQUIRE(run_until(node.loop,
                    [&] { return node.engine.model.text() == "a-x-1 x-2 running\nb-z-1 z-1 running\n"; }));
  CHECK(calls("pull x:2") == 1);
}

TEST_CASE("a slow stop holds up no other stack") {
  Node node;
  node.start();
  node.want({release("a", {service("x")}), release("b", {service("y")})});
  REQUIRE(node.settle());
  node.engine.hold_stops("a-x-1");
  node.want({release("b", {service("y", 2)})});
  CHECK(run_until(node.loop, [&] {
    return node.engine.model.has_container("b-y-1") &&
           node.engine.model.text().find("b-y-1 y-2 running") != std::string::npos;
  }));
  node.engine.release();
  REQUIRE(node.settle());
  CHECK(!node.engine.model.has_container("a-x-1"));
}

TEST_CASE("a pull that fails is told of and tried again") {
  Node node;
  node.start();
  node.engine.fail_pull("app:1", Error(ErrorCode::kUnavailable, "no route to the registry"));
  node.want_unpulled({release("web", {service("app")})});
  CHECK(run_until(node.loop, [&] {
    return node.text_of("app") == "image 'app:1' not pulled: no route to the registry";
  }));
  node.engine.mend_pulls();
  CHECK(run_until(
      node.loop, [&] { return node.engine.model.running().size() == 1; }, std::chrono::seconds(4)));
}

TEST_CASE("an engine that goes away is waited for") {
  Node node;
  node.start();
  node.want(web(1));
  REQUIRE(node.settle());
  node.engine.go_down();
  CHECK(run_until(node.loop,
                  [&] { return node.reconciler().standing().engine_reason == v1::REASON_ENGINE_DOWN; }));
  node.engine.model.remove_container(node.engine.model.container("web-app-1").id, true);
  node.engine.come_up();
  CHECK(run_until(node.loop, [&] { return node.engine.model.running().size() == 2; }));
  REQUIRE(node.settle());
}

TEST_CASE("a write that fails, whichever it is, does not change the end") {
  for (int n = 1; n <= 12; ++n) {
    Node node;
    node.start();
    node.want(web(1));
    REQUIRE(node.settle());
    const int before = static_cast<int>(node.engine.writes.size());
    node.engine.fail_write(n, Error(ErrorCode::kUnavailable, "broken off"));
    node.want(web(2));
    INFO("write " << n);
    CHECK(run_until(node.loop, [&] {
      return node.engine.model.text() == "web-app-1 app-2 running\nweb-db-1 db-1 running\n";
    }));
    REQUIRE(node.settle());
    if (static_cast<int>(node.engine.writes.size()) - before < n) break;
  }
}

TEST_CASE("an agent that is killed at any write goes on to the same end") {
  for (int n = 1; n <= 12; ++n) {
    Node node;
    node.start();
    node.want(web(1));
    REQUIRE(node.settle());
    node.engine.freeze_at_write(n);
    node.want(web(2));
    INFO("write " << n);
    run_until(node.loop, [&] { return node.engine.frozen() || node.settled(); });
    const bool was_killed = node.engine.frozen();
    node.start();  // the frozen one never hears of its calls again
    node.engine.thaw();
    node.want(web(2));
    REQUIRE(node.settle());
    CHECK(node.engine.model.text() == "web-app-1 app-2 running\nweb-db-1 db-1 running\n");
    if (!was_killed) break;
  }
}

TEST_CASE("a port that something else has is told with its holder, and tried again") {
  Node node;
  node.start();
  node.engine.ports = {{"other", "0.0.0.0", 8080, "tcp"}};
  const std::string words =
      "driver failed programming external connectivity: Bind for 0.0.0.0:8080 failed: port is already "
      "allocated";
  node.engine.fail_writes_like("start web-app-1", Error(ErrorCode::kInternal, words));
  node.want({release("web", {service("app")})});
  REQUIRE(run_until(node.loop, [&] { return !node.reconciler().past().troubles.empty(); }));
  const v1::ServiceReport service = stack_reports(node.reconciler().findings())[0].services(0);
  CHECK(service.state() == v1::STATE_FAILED);
  CHECK(service.reason() == v1::REASON_PORT_TAKEN);
  CHECK_THAT(service.text(),
             ContainsSubstring("port 8080, which service 'app' publishes, is taken by container "
                               "'other'"));
  node.engine.mend();
  CHECK(run_until(
      node.loop, [&] { return node.engine.model.running().size() == 1; }, std::chrono::seconds(4)));
}

TEST_CASE("what the application keeps of a seeded directory is in the report, also after a restart") {
  Node node;
  node.start();
  v1::Service app = service("app");
  v1::FileMount& mount = *app.add_file_mounts();
  mount.set_target("/etc/app");
  mount.set_source("conf");
  v1::FileEntry& entry = *mount.add_entries();
  entry.set_path("a");
  entry.set_sha256(sha256_hex("git"));
  entry.set_mode(0644);
  v1::File file;
  file.set_sha256(entry.sha256());
  file.set_content("git");
  node.want({release("web", {app})}, {file});
  REQUIRE(node.settle());
  const auto path = node.directory.path() / "stacks/web/data/conf/a";
  REQUIRE(read_file(path) == "git");
  std::ofstream(path) << "mine";
  node.start();
  node.want({release("web", {app})}, {file});
  REQUIRE(node.settle());
  const v1::StackReport report = stack_reports(node.reconciler().findings())[0];
  REQUIRE(report.notices_size() == 1);
  CHECK(report.notices(0).kind() == "file_kept");
  CHECK(report.notices(0).service() == "app");
  CHECK(report.state() == v1::STATE_RUNNING);
}

namespace {

v1::Service hooked(v1::Service service) {
  service.add_post_start()->add_command("first");
  service.add_post_start()->add_command("second");
  service.add_pre_stop()->add_command("bye");
  return service;
}

}  // namespace

TEST_CASE("hooks run in order after the start, and not again by a restarted agent") {
  Node node;
  node.start();
  node.want({release("web", {hooked(service("app"))})});
  REQUIRE(node.settle());
  CHECK(node.engine.model.executed() == std::vector<std::string>{"web-app-1: first", "web-app-1: second"});
  node.start();
  node.want({release("web", {hooked(service("app"))})});
  REQUIRE(node.settle());
  CHECK(node.engine.model.executed().size() == 2);
  SECTION("but by one that has lost what it knew") {
    node.past = {};
    node.start();
    node.want({release("web", {hooked(service("app"))})});
    REQUIRE(node.settle());
    CHECK(node.engine.model.executed().size() == 4);
  }
}

TEST_CASE("a hook that fails is told of with its code, and all of them are tried again") {
  Node node;
  node.start();
  node.engine.model.fails_in("second", 3);
  node.want({release("web", {hooked(service("app")), with_dependency(service("x"), "app")})});
  REQUIRE(run_until(node.loop, [&] { return !node.text_of("app").empty(); }));
  CHECK(node.text_of("app") ==
        "run the hooks of container web-app-1: 'second' exited with code 3: it went wrong");
  CHECK(node.reconciler().past().troubles.at("web/app").reason == v1::REASON_HOOK_FAILED);
  CHECK(node.engine.model.running() == std::vector<std::string>{"web-app-1"});
  node.engine.model.fails_in("second", 0);
  REQUIRE(run_until(node.loop, [&] { return node.engine.model.running().size() == 2; }));
  CHECK(node.engine.model.executed().size() == 4);
}

TEST_CASE("a hook before a stop that fails is noticed, and does not keep the container from stopping") {
  Node node;
  node.start();
  node.engine.model.fails_in("bye", 4);
  node.want({release("web", {hooked(service("app")), service("db")})});
  REQUIRE(node.settle());
  node.want({release("web", {service("app", 2), service("db")})});
  REQUIRE(node.settle());
  CHECK(node.engine.model.text() == "web-app-1 app-2 running\nweb-db-1 db-1 running\n");
  const auto notices = node.reconciler().past().notices.of_stack("web");
  REQUIRE(notices.size() == 1);
  CHECK(notices[0].kind == notice_kinds::kHookFailed);
  CHECK_THAT(notices[0].text, ContainsSubstring("'bye' exited with code 4: it went wrong"));
}

TEST_CASE(
    "an agent that is killed at any write goes on to the same end with hooks, restarts and start-first") {
  const auto wanted = [](int version) {
    v1::Service app = with_dependency(hooked(service("app")), "db");
    app.mutable_depends_on(0)->set_restart(true);
    v1::Service front = hooked(service("front", version));
    front.set_update_order(v1::UPDATE_ORDER_START_FIRST);
    v1::Service side = service("side");
    side.set_pid_of("front");
    return std::vector<v1::Release>{release("web", {app, service("db", version), front, side})};
  };
  for (int write = 1; write < 40; ++write) {
    Node node;
    node.start();
    node.want(wanted(1));
    REQUIRE(node.settle());
    node.engine.freeze_at_write(write);
    node.want(wanted(2));
    run_until(node.loop, [&] { return node.engine.frozen() || node.settled(); });
    const bool killed = node.engine.frozen();
    node.engine.thaw();
    node.start();
    node.want(wanted(2));
    INFO("killed at write " << write << ": " << node.engine.model.text());
    REQUIRE(node.settle());
    CHECK(node.engine.model.text() ==
          "web-app-1 app-1 running\nweb-db-1 db-2 running\nweb-front-1 front-2 running\nweb-side-1 side-1 "
          "running\n");
    const std::string front = node.engine.model.container("web-front-1").id;
    CHECK(node.past.hooked.contains(front));
    if (!killed) break;
  }
}

TEST_CASE("the time of a pull is remembered where it is asked for") {
  Node node;
  node.start();
  v1::Service app = with_policy(service("app"), v1::PULL_POLICY_EVERY);
  app.set_pull_every_s(86'400);
  node.want({release("web", {app, with_policy(service("db"), v1::PULL_POLICY_ALWAYS)})});
  REQUIRE(node.settle());
  REQUIRE(node.past.pulled.size() == 1);
  CHECK(node.past.pulled.begin()->first == "app:1");
  CHECK(std::ranges::count(node.engine.writes, "pull app:1") == 1);
  app.set_config_hash("another");
  node.start();
  node.want({release("web", {app, with_policy(service("db"), v1::PULL_POLICY_ALWAYS)})});
  REQUIRE(node.settle());
  CHECK(std::ranges::count(node.engine.writes, "pull app:1") == 1);
}
