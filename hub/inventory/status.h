#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
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
  std::string signer = {};         // who has signed it, where that is asked for
  std::int64_t fetched_at_ms = 0;  // Unix time; 0: never
  State state = State::kNever;
  std::string error;
  std::optional<std::chrono::steady_clock::time_point> retry_at;
};

// What became of the newest revision.
struct DesiredStatus {
  enum class State { kNone, kApplied, kInvalid, kHeld, kUnsigned };
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

// The hub's signing keys, and whether it holds back.
struct TrustStatus {
  struct Key {
    std::string id;
    std::string fingerprint;      // SHA-256 hex
    std::string text;             // as in hub.pub
    std::int64_t made_at_ms = 0;  // Unix time; 0: not known
  };
  struct Ahead {
    std::string node;
    std::uint64_t generation = 0;
    std::uint64_t known = 0;  // to this hub
  };
  std::vector<Key> keys;           // oldest first; the last one is in force
  std::int64_t held_since_ms = 0;  // Unix time; 0: not held
  std::string held_text;
  std::vector<Ahead> ahead;  // nodes that have what this hub does not remember; while held

  // The hub signs with it, or has done so.
  bool has_key(std::string_view id) const {
    return std::ranges::any_of(keys, [&](const Key& key) { return key.id == id; });
  }
};

struct HubStatus {
  std::uint64_t state_version = 1;  // grows with every change that can be seen from outside
  GitStatus git;
  DesiredStatus desired;
  BrokerStatus broker;
  TrustStatus trust = {};
  std::string store_error;         // empty: the data directory can be written
  Diagnostics diagnostics;         // of the newest revision
  std::vector<StackEntry> stacks;  // listed by the newest revision that could be read
  std::map<std::string, Labels, std::less<>> node_labels = {};  // that it gives to nodes
};

}  // namespace hivemind::hub
