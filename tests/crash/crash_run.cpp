#include "tests/crash/crash_run.h"

#include <chrono>
#include <filesystem>
#include <iostream>

#include "tests/support/catch.h"

namespace hivemind::tests {
namespace {

namespace fs = std::filesystem;
using Moment = EngineProxy::Moment;

const char* name_of(Boundary boundary) {
  if (boundary == Boundary::kStore) return "store and files";
  return boundary == Boundary::kBeforeWrite ? "before engine writes" : "after engine writes";
}

}  // namespace

CrashRun::CrashRun(NodeRig& rig, EngineProxy& proxy, Options options)
    : rig_(rig), proxy_(proxy), options_(options) {
  rig_.environment["LD_PRELOAD"] = HIVEMIND_KILL_AT_WRITE;
}

int CrashRun::run(const Change& change, Boundary boundary) {
  prepare(change);
  int n = 1;
  while (killed_at(change, boundary, n)) ++n;
  std::cout << change.name << (options_.disk != nullptr ? ", power cut, " : ", killed, ") << name_of(boundary)
            << ": " << n - 1 << " boundaries\n"
            << std::flush;
  return n - 1;
}

// What every run begins with is made once and put back, where that can be.
void CrashRun::prepare(const Change& change) {
  if (options_.records == nullptr) return;
  rig_.clean();
  if (options_.disk != nullptr) options_.disk->format();
  apply_from(change);
  if (options_.disk != nullptr) {
    options_.disk->save();
  } else {
    fs::remove_all(rig_.directory() / "base");
    fs::copy(rig_.data_directory, rig_.directory() / "base", fs::copy_options::recursive);
  }
  state_ = options_.records->state();
  publish_to(change);
}

void CrashRun::apply_from(const Change& change) {
  disarm();
  if (options_.disk == nullptr) {
    fs::remove_all(rig_.data_directory);
    fs::create_directories(rig_.data_directory);
  }
  if (change.from) {
    rig_.publish(web_manifest(rig_, *change.from));
    rig_.start_agent();
    const bool applied =
        rig_.wait([&] { return rig_.applied() && scene_of(rig_) == wanted_scene(rig_, *change.from); });
    INFO(rig_.log());
    REQUIRE(applied);
    REQUIRE(rig_.stop_agent());
  }
  ids_ = ids_of(rig_);
  volumes_ = volumes_of(rig_);
}

void CrashRun::put_back(const Change& change) {
  if (options_.records == nullptr) {
    rig_.clean();
    apply_from(change);
    publish_to(change);
    return;
  }
  options_.records->set_state(state_);
  if (options_.disk != nullptr) {
    options_.disk->restore();
    return;
  }
  fs::remove_all(rig_.data_directory);
  fs::copy(rig_.directory() / "base", rig_.data_directory, fs::copy_options::recursive);
}

void CrashRun::publish_to(const Change& change) {
  rig_.publish(change.to ? web_manifest(rig_, *change.to) : empty_manifest());
}

void CrashRun::arm(Boundary boundary, int n) {
  reached_ = false;
  rig_.writes().killed = 0;
  if (boundary == Boundary::kStore) {
    rig_.writes().kill_at = rig_.writes().calls + static_cast<std::uint64_t>(n);
    return;
  }
  const Moment moment = boundary == Boundary::kBeforeWrite ? Moment::kBeforeWrite : Moment::kAfterWrite;
  proxy_.break_off(n, moment, [this] { reached_ = true; });
}

void CrashRun::disarm() {
  rig_.writes().kill_at = 0;
  proxy_.break_off(0, Moment::kBeforeWrite, [] {});
}

bool CrashRun::killed_at(const Change& change, Boundary boundary, int n) {
  CAPTURE(change.name, name_of(boundary), n);
  put_back(change);
  arm(boundary, n);
  rig_.start_agent();
  bool killed = false;
  const bool ended = rig_.wait([&] {
    killed = reached_ || rig_.writes().killed != 0;
    return killed || done(change);
  });
  {
    INFO(rig_.log() << text_of(scene_of(rig_)));
    REQUIRE(ended);
  }
  if (killed) rig_.kill_agent();
  disarm();
  if (killed) {
    if (options_.disk != nullptr) options_.disk->cut();
    rig_.start_agent();
  }
  const bool converged = rig_.wait([&] { return done(change); });
  INFO(rig_.log() << text_of(scene_of(rig_)));
  REQUIRE(converged);
  check_kept(change);
  rig_.kill_agent();
  return killed;
}

bool CrashRun::done(const Change& change) const {
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

void CrashRun::check_kept(const Change& change) const {
  auto volumes = volumes_of(rig_);
  for (const auto& [name, made] : volumes_) CHECK(volumes[name] == made);
  for (const std::string& write : proxy_.writes()) CHECK_FALSE(write.starts_with("DELETE /volumes"));
  proxy_.clear();
  const std::optional<WebStack>& end = change.rest ? change.rest : change.to;
  if (!change.from || !end) return;
  auto ids = ids_of(rig_);
  const auto id_of = [&](const char* service) { return rig_.stack() + "-" + service + "-1"; };
  if (end->db == change.from->db) CHECK(ids[id_of("db")] == ids_.at(id_of("db")));
  if (end->app == change.from->app) CHECK(ids[id_of("app")] == ids_.at(id_of("app")));
}

}  // namespace hivemind::tests
