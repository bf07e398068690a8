#pragma once

#include <atomic>
#include <map>
#include <optional>
#include <string>

#include "tests/crash/disk_image.h"
#include "tests/crash/releases.h"
#include "tests/support/engine_proxy.h"
#include "tests/support/http_engine.h"

namespace hivemind::tests {

// A place where a real agent is killed: at its n-th write to the engine, or at the n-th call that changes
// something below its data directory.
enum class Boundary { kBeforeWrite, kAfterWrite, kStore };

struct Change {
  const char* name;
  std::optional<WebStack> from;  // none: an empty node
  std::optional<WebStack> to;    // none: everything is removed
  std::optional<WebStack> rest;  // what is there in the end, when it is not `to`
};

// Kills a real agent at every boundary of a change, one after the other until none is left. Each time the
// next start must end in the same state, with no orphan, the named volume, and the containers that had no
// reason to go.
class CrashRun {
 public:
  struct Options {
    HttpEngine* records = nullptr;  // the engine, where it is made of records: put back in no time
    DiskImage* disk = nullptr;      // what the kill leaves is what such a disk has got: a power cut
  };
  CrashRun(NodeRig& rig, EngineProxy& proxy, Options options);

  // Returns how many there were; prints it, too.
  int run(const Change& change, Boundary boundary);

 private:
  void prepare(const Change& change);
  void apply_from(const Change& change);
  void put_back(const Change& change);
  void publish_to(const Change& change);
  void arm(Boundary boundary, int n);
  void disarm();
  bool killed_at(const Change& change, Boundary boundary, int n);
  bool done(const Change& change) const;
  void check_kept(const Change& change) const;

  NodeRig& rig_;
  EngineProxy& proxy_;
  Options options_;
  std::atomic<bool> reached_ = false;  // set on the proxy's thread
  std::string state_;
  std::map<std::string, std::string> ids_;
  std::map<std::string, std::string> volumes_;
};

}  // namespace hivemind::tests
