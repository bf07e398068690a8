#include "agent/link/judge.h"

#include <utility>

#include "common/digest.h"
#include "common/error.h"

namespace hivemind::agent {
namespace {

RefusedManifest refused_envelope(const Error& error) {
  const bool is_envelope = error.code() != ErrorCode::kCorrupt;
  return {is_envelope ? v1::REASON_SIGNATURE_REFUSED : v1::REASON_MALFORMED,
          fmt::format("manifest refused: {}", error.what()), 0, ""};
}

RefusedManifest refused(const v1::Manifest& manifest, v1::Reason reason, const std::string& why) {
  return {reason, fmt::format("manifest of generation {} refused: {}", manifest.generation(), why),
          manifest.generation(), manifest.revision()};
}

Judgement judge_manifest(v1::Manifest manifest, std::string digest, std::string_view node,
                         const Newest& newest) {
  if (manifest.node() != node) {
    return refused(manifest, v1::REASON_WRONG_NODE,
                   fmt::format("it is for node '{}', this is '{}'", manifest.node(), node));
  }
  if (manifest.generation() == newest.generation && digest == newest.digest) return KnownManifest{};
  if (manifest.generation() <= newest.generation) {
    return refused(manifest, v1::REASON_OLDER_GENERATION,
                   fmt::format("this node has generation {} already", newest.generation));
  }
  const std::uint64_t generation = manifest.generation();
  const std::string revision = manifest.revision();
  const std::int64_t issued_at_ms = manifest.issued_at_ms();
  try {
    return AcceptedManifest{desired_from(std::move(manifest)), std::move(digest), issued_at_ms};
  } catch (const Error& error) {
    return RefusedManifest{v1::REASON_MALFORMED,
                           fmt::format("manifest of generation {} refused: {}", generation, error.what()),
                           generation, revision};
  }
}

}  // namespace

Judgement judge(std::string_view envelope, const VerifyKey& key, std::string_view node,
                const Newest& newest) {
  if (envelope.size() > kMaxManifestEnvelope) {
    return RefusedManifest{
        v1::REASON_MALFORMED,
        fmt::format("manifest refused: {} bytes (at most {})", envelope.size(), kMaxManifestEnvelope), 0, ""};
  }
  std::string payload;
  try {
    payload = open_envelope(key, kManifestKind, envelope);
  } catch (const Error& error) {
    return refused_envelope(error);
  }
  v1::Manifest manifest;
  if (!manifest.ParseFromString(payload)) {
    return RefusedManifest{v1::REASON_MALFORMED, "manifest refused: its payload does not parse", 0, ""};
  }
  Judgement judgement = judge_manifest(std::move(manifest), sha256_hex(payload), node, newest);
  if (auto* accepted = std::get_if<AcceptedManifest>(&judgement))
    accepted->desired.stamp = stamp_of(envelope);
  return judgement;
}

}  // namespace hivemind::agent
