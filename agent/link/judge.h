#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "agent/plan/desired.h"
#include "common/envelope.h"
#include "hivemind/v1/report.pb.h"

namespace hivemind::agent {

// MQTT itself ends at 256 MiB; what a node runs is far below.
inline constexpr std::size_t kMaxManifestEnvelope = 64u << 20;

// What is known of the newest manifest that was accepted.
struct Newest {
  std::uint64_t generation = 0;  // 0: none yet
  std::string digest;            // SHA-256 hex of its payload
};

struct AcceptedManifest {
  Desired desired;
  std::string digest;             // SHA-256 hex of the payload
  std::int64_t issued_at_ms = 0;  // by the hub's clock
};
struct KnownManifest {};  // the newest one once more, as a broker sends it at every connection
struct RefusedManifest {
  v1::Reason reason = v1::REASON_NONE;
  std::string text;
  std::uint64_t generation = 0;  // 0 and "": not known, as nothing of it can be trusted
  std::string revision;
};
using Judgement = std::variant<AcceptedManifest, KnownManifest, RefusedManifest>;

// Whether a node may take these bytes for its manifest. Pure. The signature comes first; before it is known
// to be the hub's, nothing of the payload is parsed.
Judgement judge(std::string_view envelope, const VerifyKey& key, std::string_view node, const Newest& newest);

}  // namespace hivemind::agent
