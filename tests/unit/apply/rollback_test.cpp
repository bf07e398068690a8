// A release that takes the place of a good one: it lasts, or the good one comes back. Against a fake engine.
#include <algorithm>

#include "agent/apply/reconciler.h"
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

using std::chrono::milliseconds;

// 'app' as given and a 'db' that stays, both watched for so long.
v1::Release web(v1::Service app, milliseconds soak = milliseconds(0)) {
  v1::Service db = with_network(service("db"), "web_default");
  app = with_network(std::move(app), "web_default");
  app.set_soak_ms(soak.count());
  return release("web", {app, db});
}
v1::Release web(int version, milliseconds soak = milliseconds(0)) {
  return web(service("app", version), soak);
}

class Node : public ReconciledNode {
 public:
  // A first release that is good, and the id of its container of 'app'.
  void begin_well(v1::Release first = web(1)) {
    start();
    want({first});
    REQUIRE(settle());
    REQUIRE(past.good.at("web").digest == first.digest());
    good_id = id_of("web-app-1");
    writes_before = engine.writes.size();
  }
  std::string id_of(const std::string& name) { return engine.model.container(name).id; }
  v1::StackReport report() { return stack_reports(reconciler().findings()).at(0); }
  bool is_rolled_back() {
    const Standing& now = reconciler().standing();
    return now.desired.get() == &wanted() && now.settled && report().state() == v1::STATE_ROLLED_BACK;
  }
  bool roll_back() {
    return run_until(loop, [this] { return is_rolled_back(); });
  }
  bool runs_good() {
    return engine.model.text() == "web-app-1 app-1 running\nweb-db-1 db-1 running\n" &&
           id_of("web-app-1") == good_id;
  }
  // What was written to the engine from the verdict on.
  std::vector<std::string> writes_back() const {
    return {engine.writes.begin() + static_cast<std::ptrdiff_t>(writes_when_failed), engine.writes.end()};
  }
  const FailedRelease& failure() { return past.failed.at("web").at(wanted().stack("web")->digest); }

  std::map<std::string, std::string> files;  // by digest; on the disk
  std::string good_id;
  std::size_t writes_before = 0;
  std::size_t writes_when_failed = 0;

 private:
  void prepare(Reconciler::Options&, Reconciler::Callbacks& on) override {
    on.content = [this](const std::string& sha256) -> std::optional<std::string> {
      const auto found = files.find(sha256);
      return found == files.end() ? std::nullopt : std::optional(found->second);
    };
  }
  void on_saved() override {
    if (!past.failed.empty() && writes_when_failed == 0) writes_when_failed = engine.writes.size();
  }
};

}  // namespace

TEST_CASE("a release that ends at once gives way to the containers of the one before") {
  Node node;
  node.begin_well();
  node.engine.model.ends_at_once("app:2", 3);
  node.engine.model.logs("app:2", "no room\n");
  node.want({web(2, milliseconds(5'000))});
  REQUIRE(node.roll_back());
  CHECK(node.runs_good());
  CHECK(node.engine.model.container("web-app-1").restart_policy == "no");
  CHECK(node.failure().service == "app");
  CHECK(node.failure().reason == v1::REASON_EXITED);
  CHECK(node.failure().exit_code == 3);
  CHECK(node.failure().output == "no room");
  CHECK(std::ranges::count(node.happenings, "rolled_back web") == 1);
  for (const std::string& write : node.writes_back()) {
    CAPTURE(write);
    CHECK(!write.starts_with("create"));
    CHECK(!write.starts_with("pull"));
  }
  const v1::StackReport report = node.report();
  CHECK(report.running_digest() == report.good_digest());
  CHECK(report.desired_digest() != report.good_digest());
  CHECK(report.failed().digest() == report.desired_digest());
  CHECK(report.failed().restored());

  SECTION("and is not tried again by the next agent") {
    const std::size_t writes = node.engine.writes.size();
    node.start();
    node.want({web(2, milliseconds(5'000))});
    REQUIRE(node.roll_back());
    run_for(node.loop, milliseconds(100));
    CHECK(node.engine.writes.size() == writes);
  }
  SECTION("which is healed like any other") {
    node.engine.model.remove_container(node.id_of("web-app-1"), true);
    node.engine.send_events();
    CHECK(run_until(node.loop, [&] { return node.engine.model.running().size() == 2; }));
    CHECK(node.engine.model.container("web-app-1").labels.at(labels::kConfigHash) == "app-1");
    CHECK(node.report().state() == v1::STATE_ROLLED_BACK);
  }
  SECTION("until an operator says so") {
    node.engine.model.ends_at_once("app:2", 0);  // ends well now
    node.reconciler().retry("web");
    CHECK(run_until(node.loop, [&] {
      return node.engine.model.has_container("web-app-1") && node.id_of("web-app-1") != node.good_id;
    }));
    CHECK(node.past.failed.empty());
  }
  SECTION("but another release is") {
    node.want({web(3)});
    REQUIRE(node.settle());
    CHECK(node.engine.model.text() == "web-app-1 app-3 running\nweb-db-1 db-1 running\n");
    CHECK(node.past.good.at("web").services.at("app") == "app-3");
  }
  SECTION("and is forgotten with its stack") {
    node.want({release("other", {service("x")})});
    REQUIRE(node.settle());
    CHECK(node.engine.model.text() == "other-x-1 x-1 running\n");
    CHECK(!node.past.good.contains("web"));
    CHECK(node.past.failed.empty());
  }
}

TEST_CASE("a release fails that becomes unhealthy, or whose container the engine had to restart") {
  Node node;
  node.begin_well();
  node.want({web(2, milliseconds(60'000))});
  REQUIRE(run_until(node.loop, [&] { return node.report().reason() == v1::REASON_SOAKING; }));
  CHECK(node.engine.model.has_container("web-app-1." + node.good_id.substr(0, 8)));
  Container& app = node.engine.model.container("web-app-1");
  v1::Reason reason = v1::REASON_NONE;
  SECTION("unhealthy") {
    app.health = Health::kUnhealthy;
    app.health_text = "not well";
    reason = v1::REASON_UNHEALTHY;
  }
  SECTION("restarted") {
    app.restarts = 1;
    reason = v1::REASON_EXITED;
  }
  SECTION("ended") {
    app.status = ContainerStatus::kExited;
    app.exit_code = 137;
    reason = v1::REASON_EXITED;
  }
  node.reconciler().retry("");  // brings a pass
  REQUIRE(node.roll_back());
  CHECK(node.runs_good());
  CHECK(node.failure().reason == reason);
  if (reason == v1::REASON_UNHEALTHY) CHECK(node.failure().output == "not well");
}

TEST_CASE("a release that the engine refuses fails, and one that it was away for does not") {
  Node node;
  node.begin_well();
  SECTION("refused") {
    node.engine.fail_write(2, Error(ErrorCode::kInvalid, "no such driver"));
    node.want({web(2)});
    REQUIRE(node.roll_back());
    CHECK(node.runs_good());
    CHECK(node.failure().reason == v1::REASON_CREATE_FAILED);
    CHECK_THAT(node.failure().text, ContainsSubstring("no such driver"));
  }
  SECTION("away") {
    node.engine.fail_write(2, Error(ErrorCode::kUnavailable, "broken off"));
    node.want({web(2)});
    REQUIRE(node.settle());
    CHECK(node.engine.model.text() == "web-app-1 app-2 running\nweb-db-1 db-1 running\n");
    CHECK(node.past.failed.empty());
  }
}

TEST_CASE("a release is good when it has lasted, and not before") {
  Node node;
  node.begin_well();
  const std::string before = node.past.good.at("web").digest;
  node.want({web(2, milliseconds(400))});
  REQUIRE(run_until(node.loop, [&] { return node.report().reason() == v1::REASON_SOAKING; }));
  CHECK(node.report().state() == v1::STATE_APPLYING);
  CHECK(node.past.good.at("web").digest == before);
  CHECK(node.engine.model.container("web-app-1." + node.good_id.substr(0, 8)).restart_policy == "no");
  const auto since = std::chrono::steady_clock::now();
  REQUIRE(run_until(node.loop, [&] { return node.past.good.at("web").digest != before; }));
  CHECK(std::chrono::steady_clock::now() - since > milliseconds(300));
  REQUIRE(node.settle());
  CHECK(node.engine.model.text() == "web-app-1 app-2 running\nweb-db-1 db-1 running\n");
  CHECK(node.report().state() == v1::STATE_RUNNING);
  CHECK(node.past.trials.empty());
  CHECK(!node.past.good.at("web").release.empty());
  CHECK(node.past.good.at("web").images.size() == 2);
}

TEST_CASE("what ends with its engine is no failure of its release") {
  Node node;
  node.begin_well();
  node.want({web(2, milliseconds(300))});
  REQUIRE(run_until(node.loop, [&] { return node.report().reason() == v1::REASON_SOAKING; }));
  node.engine.go_down();
  REQUIRE(run_until(node.loop,
                    [&] { return node.reconciler().standing().engine_reason == v1::REASON_ENGINE_DOWN; }));
  for (const char* name : {"web-app-1", "web-db-1"}) {
    node.engine.model.container(name).status = ContainerStatus::kExited;
    node.engine.model.container(name).exit_code = 143;
  }
  node.engine.come_up();
  REQUIRE(run_until(node.loop, [&] {
    return node.reconciler().standing().settled && node.report().state() == v1::STATE_RUNNING;
  }));
  CHECK(node.past.failed.empty());
  CHECK(node.engine.model.text() == "web-app-1 app-2 running\nweb-db-1 db-1 running\n");
}

TEST_CASE("a new stack that fails is no failed release: it is tried on and on") {
  Node node;
  node.engine.model.ends_at_once("app:1", 1);
  node.start();
  node.want({web(1)});
  const auto starts = [&] { return std::ranges::count(node.engine.writes, "start web-app-1"); };
  CHECK(run_until(node.loop, [&] { return starts() == 3; }));
  CHECK(node.past.failed.empty());
  CHECK(node.past.good.empty());
}

TEST_CASE("a first release that runs is what comes back, also when it has not lasted yet") {
  Node node;
  node.start();
  node.want({web(1, milliseconds(60'000))});
  REQUIRE(run_until(node.loop, [&] {
    const auto& trials = node.reconciler().past().trials;
    return trials.contains("web") && trials.at("web").sound_since.has_value();
  }));
  CHECK(node.past.good.empty());
  node.good_id = node.id_of("web-app-1");
  node.engine.model.ends_at_once("app:2", 3);
  node.want({web(2)});
  REQUIRE(node.roll_back());
  CHECK(node.runs_good());
}

TEST_CASE("a rename that the engine refuses between two restarts is tried again, and no failure") {
  Node node;
  node.engine.model.ends_at_once("app:1", 3);
  node.start();
  node.want({web(1)});
  REQUIRE(
      run_until(node.loop, [&] { return std::ranges::count(node.engine.writes, "start web-app-1") == 1; }));
  node.engine.fail_writes_like("rename web-app-1", Error(ErrorCode::kNotFound, "sandbox not found"));
  node.want({web(2)});
  REQUIRE(run_until(node.loop, [&] { return node.report().services(0).reason() == v1::REASON_APPLYING; }));
  node.engine.mend();
  REQUIRE(run_until(node.loop, [&] { return node.report().state() == v1::STATE_RUNNING; }));
}

TEST_CASE("nothing of a good release is touched until the store has it") {
  Node node;
  node.begin_well();
  node.is_saved = false;
  node.want({web(2)});
  REQUIRE(run_until(node.loop, [&] { return node.report().reason() == v1::REASON_STORE_FAILED; }));
  run_for(node.loop, milliseconds(50));
  CHECK(node.runs_good());
  node.is_saved = true;
  node.reconciler().saved();
  REQUIRE(run_until(node.loop, [&] { return node.report().state() == v1::STATE_RUNNING; }));
  CHECK(node.past.good.at("web").services.at("app") == "app-2");
}

TEST_CASE("an agent that is killed at any write of a failing update ends with the good release") {
  for (int n = 1; n <= 30; ++n) {
    Node node;
    node.begin_well();
    node.engine.model.ends_at_once("app:2", 1);
    node.engine.freeze_at_write(n);
    node.want({web(2, milliseconds(60'000))});
    INFO("write " << n);
    REQUIRE(run_until(node.loop, [&] { return node.engine.frozen() || node.is_rolled_back(); }));
    const bool was_killed = node.engine.frozen();
    node.start();
    node.engine.thaw();
    node.want({web(2, milliseconds(60'000))});
    REQUIRE(node.roll_back());
    CHECK(node.runs_good());
    if (!was_killed) return;
  }
  FAIL("an update that fails takes more than 30 writes");
}

namespace {

v1::File file_of(const std::string& content) {
  v1::File file;
  file.set_sha256(sha256_hex(content));
  file.set_content(content);
  return file;
}

// 'web' of that version with a file, read-only or in a directory that the application may write to.
v1::Release with_file(int version, const v1::File& file, Access access) {
  v1::Release made = web(version);
  for (v1::Service& service : *made.mutable_services()) {
    if (service.name() != "app") continue;
    v1::FileMount& mount = *service.add_file_mounts();
    mount.set_target("/conf");
    mount.set_source("conf");
    mount.set_read_only(access == Access::kReadOnly);
    v1::FileEntry& entry = *mount.add_entries();
    entry.set_path("app.conf");
    entry.set_sha256(file.sha256());
    entry.set_mode(0644);
  }
  return made;
}

// What the files of that name hold.
std::set<std::string> contents_of(const std::filesystem::path& directory, const std::string& name) {
  std::set<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (entry.path().filename() == name) found.insert(read_file(entry.path()));
  }
  return found;
}

// A release with the file 'one' is good; the next, with 'two', fails and gives way to it.
v1::Release fail_with_files(Node& node, Access access) {
  const v1::File one = file_of("one"), two = file_of("two");
  const v1::Release second = with_file(2, two, access);
  node.start();
  node.want({with_file(1, one, access)}, {one});
  REQUIRE(node.settle());
  node.files[one.sha256()] = one.content();
  node.engine.model.ends_at_once("app:2", 1);
  node.want({second}, {two});
  REQUIRE(node.roll_back());
  return second;
}

}  // namespace

TEST_CASE("a good release comes back with the files that only the store has") {
  Node node;
  const v1::Release second = fail_with_files(node, Access::kReadOnly);
  std::filesystem::remove_all(node.directory / "stacks");
  node.engine.model.remove_container(node.id_of("web-app-1"), true);
  node.start();  // another agent, after the loss of what was on the disk
  node.want({second}, {file_of("two")});
  REQUIRE(run_until(node.loop, [&] { return node.engine.model.running().size() == 2; }));
  CHECK(contents_of(node.directory / "stacks", "app.conf") == std::set<std::string>{"one"});
}

TEST_CASE("what a failed release seeded is as the good one has it when that starts") {
  Node node;
  fail_with_files(node, Access::kReadWrite);
  CHECK(contents_of(node.directory / "stacks", "app.conf") == std::set<std::string>{"one"});
}
