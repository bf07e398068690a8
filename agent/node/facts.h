#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "agent/engine/engine.h"
#include "hivemind/v1/report.pb.h"

namespace hivemind::agent {

// What the machine is and how it does, from /proc, /sys and the file systems. What cannot be read (no thermal
// zone, a container's view, another kernel) is not known: zero or empty, never an error.
class Facts {
 public:
  // root: where proc, sys and etc are looked for.
  explicit Facts(std::filesystem::path data_directory, std::filesystem::path root = "/");

  // Of this boot; empty: not known.
  const std::string& boot_id() const { return boot_id_; }

  // What stays as it is. The engine's own words win: it may see more of the machine than the agent does.
  v1::NodeFacts machine(const std::optional<EngineInfo>& engine) const;
  // What changes all the time.
  v1::Vitals vitals(const std::optional<EngineInfo>& engine) const;

 private:
  std::filesystem::path data_directory_;
  std::filesystem::path root_;
  std::string boot_id_;
  v1::NodeFacts machine_;  // without the engine's part
  std::chrono::steady_clock::time_point start_;
};

// The wall clock, Unix time, where the kernel knows that somebody sets it. Without a time service it never
// knows.
std::optional<std::int64_t> synchronised_clock_ms();

}  // namespace hivemind::agent
