#pragma once

#include <set>
#include <string>
#include <vector>

#include "tests/support/engine_client.h"

namespace hivemind::bench {

// The same containers made with nothing but the engine's own calls: what all else is measured against.
class RawCalls {
 public:
  explicit RawCalls(const tests::EngineClient& engine, std::string prefix)
      : engine_(engine), prefix_(std::move(prefix)) {}
  ~RawCalls();
  RawCalls(const RawCalls&) = delete;
  RawCalls& operator=(const RawCalls&) = delete;

  std::string name(const std::string& service) const { return prefix_ + "-" + service; }
  void make_network();
  // Create and start of one container on the network.
  void run(const std::string& service, const std::string& version);
  // What replaces a container: create the new one, stop the old one, start the new one. remove_old() finishes
  // it.
  void replace(const std::string& service, const std::string& version);
  void remove_old(const std::string& service);
  // run() for each, so many at a time.
  void run_all(const std::vector<std::string>& services, const std::string& version, unsigned lanes);
  void remove_all();

 private:
  std::string create(const std::string& name, const std::string& service, const std::string& version) const;

  const tests::EngineClient& engine_;
  std::string prefix_;
};

}  // namespace hivemind::bench
