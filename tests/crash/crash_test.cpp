// kill -9 of a real agent at every boundary of what it does, one after the other until none is left: before
// each write to the engine, after the engine has done it, and before each call that changes the store or a
// file. Each time the next start must end in the same state, with no orphan, the named volume, and the
// containers that had no reason to go.
#include <chrono>
#include <filesystem>
#include <functional>
#include <iostream>
#include <optional>
#include <string>

#include "tests/crash/releases.h"
#include "tests/support/catch.h"
#include "tests/support/engine_proxy.h"
#include "tests/support/http_engine.h"

namespace hivemind::tests {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Moment = EngineProxy::Moment;

enum class Boundary { kBeforeWrite, kAfterWrite, kStore };

const char* name_of(Boundary boundary) {
  if (boundary == Boundary::kStore) return "store and files";
  return boundary == Boundary::kBeforeWrite ? "before engine writes" : "after engine writes";
}

struct Change {
  const char* name;
  std::optional<WebStack> from;  // none: an empty node
  std::optional<WebStack> to;    // none: everything is removed
  std::optional<WebStack> rest;  // what is there in the end, when it is not `to`
};

class CrashTest {
 public:
  // engine: where the proxy leads; http: the same one, where it is made of records.
  CrashTest(NodeRig& rig, EngineProxy& proxy, HttpEngine* records)
      : rig_(rig), proxy_(proxy), records_(records) {
    rig_.environment["LD_PRELOAD"] = HIVEMIND_KILL_AT_WRITE;
  }

  // How many boundaries there were.
  int run(const Change& change, Boundary boundary) {
    begin(change);
    if (change.to) {
      rig_.publish(web_manifest(rig_, *change.to));
    } else {
      rig_.publish(empty_manifest());
    }
    int n = 1;
    while (killed_at(change, boundary, n)) ++n;
    return n - 1;
  }

 private:
  // What every run begins with: taken once, and put back.
  void begin(const Change& change) {
    if (rig_has_agent_) rig_.kill_agent();
    fs::remove_all(rig_.data_directory);
    rig_.clean();
    rig_.writes().kill_at = 0;
    proxy_.break_off(0, Moment::kBeforeWrite, [] {});
    if (change.from) {
      rig_.publish(web_manifest(rig_, *change.from));
      rig_.start_agent();
      rig_has_agent_ = true;
      REQUIRE(
          rig_.wait([&] { return rig_.applied() && scene_of(rig_) == wanted_scene(rig_, *change.from); }));
      REQUIRE(rig_.stop_agent());
    } else {
      fs::create_directories(rig_.data_directory);
    }
    fs::remove_all(rig_.directory() / "base");
    fs::copy(rig_.data_directory, rig_.directory() / "base", fs::copy_options::recursive);
    state_ = records_->state();
    ids_ = ids_of(rig_);
    volumes_ = volumes_of(rig_);
  }

  void put_back() {
    fs::remove_all(rig_.data_directory);
    fs::copy(rig_.directory() / "base", rig_.data_directory, fs::copy_options::recursive);
    records_->set_state(state_);
  }

  void arm(Boundary boundary, int n) {
    killed_ = false;
    rig_.writes().killed = 0;
    if (boundary == Boundary::kStore) {
      rig_.writes().kill_at = rig_.writes().calls + static_cast<std::uint64_t>(n);
      return;
    }
    const Moment moment = boundary == Boundary::kBeforeWrite ? Moment::kBeforeWrite : Moment::kAfterWrite;
    proxy_.break_off(n, moment, [this] { killed_ = true; });
  }

  bool killed_at(const Change& change, Boundary boundary, int n) {
    CAPTURE(change.name, name_of(boundary), n);
    put_back();
    arm(boundary, n);
    rig_.start_agent();
    rig_has_agent_ = true;
    const bool ended = rig_.wait([&] {
      if (killed_.exchange(false)) {
        rig_.kill_agent();
        rig_.writes().killed = 1;
      }
      return !rig_.agent().running() || done(change);
    });
    INFO(rig_.log() << text_of(scene_of(rig_)));
    REQUIRE(ended);
    const bool killed = rig_.writes().killed != 0;
    rig_.writes().kill_at = 0;
    proxy_.break_off(0, Moment::kBeforeWrite, [] {});
    if (killed) {
      rig_.kill_agent();
      rig_.start_agent();
    } else {
      REQUIRE(rig_.agent().running());
    }
    const bool converged = rig_.wait([&] { return done(change); });
    INFO(rig_.log() << text_of(scene_of(rig_)));
    REQUIRE(converged);
    check_kept(change);
    rig_.kill_agent();
    return killed;
  }

  bool done(const Change& change) const {
    if (!rig_.report()) return false;
    if (change.rest) {
      const v1::Report& report = *rig_.report();
      return report.received().generation() == rig_.generation() && report.stacks_size() == 1 &&
             report.stacks(0).state() == v1::STATE_ROLLED_BACK &&
             scene_of(rig_) == wanted_scene(rig_, *change.rest);
    }
    if (!rig_.applied()) return false;
    Scene wanted;
    if (change.to) wanted = wanted_scene(rig_, *change.to);
    if (!change.to && change.from) wanted.volumes = {rig_.stack() + "_data"};
    return scene_of(rig_) == wanted;
  }

  void check_kept(const Change& change) {
    for (const auto& [name, made] : volumes_) CHECK(volumes_of(rig_)[name] == made);
    const std::optional<WebStack>& end = change.rest ? change.rest : change.to;
    if (!change.from || !end) return;
    const auto ids = ids_of(rig_);
    const std::string app = rig_.stack() + "-app-1";
    const std::string db = rig_.stack() + "-db-1";
    if (end->db == change.from->db) CHECK(ids.at(db) == ids_.at(db));
    if (end->app == change.from->app) CHECK(ids.at(app) == ids_.at(app));
  }

  NodeRig& rig_;
  EngineProxy& proxy_;
  HttpEngine* records_;
  bool rig_has_agent_ = false;
  std::atomic<bool> killed_ = false;
  std::string state_;
  std::map<std::string, std::string> ids_;
  std::map<std::string, std::string> volumes_;
};

const WebStack kOne{};
const WebStack kTwo{.app = "2"};

void run_all(const Change& change) {
  const TemporaryDirectory directory;
  HttpEngine engine(directory / "engine.sock");
  EngineProxy proxy(directory / "proxy.sock", engine.docker_host());
  NodeRig rig(engine.docker_host());
  rig.agent_engine = proxy.docker_host();
  CrashTest test(rig, proxy, &engine);
  for (const Boundary boundary : {Boundary::kBeforeWrite, Boundary::kAfterWrite, Boundary::kStore}) {
    const int count = test.run(change, boundary);
    std::cout << change.name << ", " << name_of(boundary) << ": " << count << " boundaries\n" << std::flush;
    CHECK(count > (boundary == Boundary::kStore ? 10 : 3));
  }
}

TEST_CASE("killed at every boundary of a first apply, it ends in the same state", "[first]") {
  run_all({"first apply", std::nullopt, kOne, std::nullopt});
}

TEST_CASE("killed at every boundary of an update, it ends in the same state", "[update]") {
  run_all({"update", kOne, kTwo, std::nullopt});
}

TEST_CASE("killed at every boundary of a removal, it ends in the same state", "[removal]") {
  run_all({"removal", kOne, std::nullopt, std::nullopt});
}

}  // namespace
}  // namespace hivemind::tests
