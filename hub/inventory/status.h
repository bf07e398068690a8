#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hub/desired/diagnostic.h"
#include "hub/desired/fleet.h"

// How the hub itself is doing. Values.
namespace hivemind::hub {

struct GitStatus {
  enum class State { kNever, kOk, kFailed };
  std::string url;  // redacted
  std::string branch;
  std::string path;
  std::string revision;            // the newest one fetched; empty: none
  std::string commit;              // one line for people
  std::int64_t fetched_at_ms = 0;  // Unix time; 0: never
  State state = State::kNever;
  std::string error;
  std::optional<std::chrono::steady_clock::time_point> retry_at;
};

// What became of the newest revision.
struct DesiredStatus {
  enum class State { kNone, kApplied, kInvalid, kHeld };
  std::string revision;  // the last one that was acted on
  State state = State::kNone;
  std::string text;
};

struct BrokerStatus {
  enum class Kind { kEmbedded, kExternal };
  std::string url;
  Kind kind = Kind::kEmbedded;
  bool connected = false;
  std::string error;
};

struct HubStatus {
  std::uint64_t state_version = 1;  // grows with every change that can be seen from outside
  GitStatus git;
  DesiredStatus desired;
  BrokerStatus broker;
  std::string store_error;         // empty: the data directory can be written
  Diagnostics diagnostics;         // of the newest revision
  std::vector<StackEntry> stacks;  // listed by the newest revision that could be read
  std::map<std::string, Labels, std::less<>> node_labels = {};  // that it gives to nodes
};

}  // namespace hivemind::hub
