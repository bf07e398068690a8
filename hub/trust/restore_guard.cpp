#include "hub/trust/restore_guard.h"

#include <sstream>

#include "common/error.h"
#include "hivemind/v1/envelope.pb.h"
#include "hivemind/v1/manifest.pb.h"

namespace hivemind::hub {
namespace {

constexpr std::string_view kRemedy =
    "every node keeps what it runs; look at 'hivemind trust show', then run 'hivemind trust resume'";

template <typename Message>
std::optional<ForgottenManifest> opened(const VerifyKey& key, std::string_view kind, std::string_view node,
                                        std::string_view envelope) {
  Message message;
  if (!is_sealed_by(key, kind, envelope)) return std::nullopt;
  if (!message.ParseFromString(open_envelope(key, kind, envelope)) || message.node() != node)
    return std::nullopt;
  return ForgottenManifest{message.node(), message.generation(), message.issued_at_ms()};
}

// Issued while the key, or what took its place elsewhere, was the hub's.
bool is_in_time(const std::vector<KeyRecord>& keys, std::size_t key, const ForgottenManifest& manifest) {
  return key + 1 == keys.size() || manifest.issued_at_ms < keys[key + 1].made_at_ms;
}

// By a key that took the place of one of these, and is none of them.
template <typename Message>
std::optional<ForgottenManifest> opened_by_newer(const std::vector<KeyRecord>& keys, std::string_view kind,
                                                 std::string_view node, std::string_view envelope) {
  for (std::size_t i = keys.size(); i-- > 0;) {
    const std::vector<VerifyKey> newer = successors(keys[i].key, kind, envelope);
    if (newer.empty()) continue;
    auto found = opened<Message>(newer.back(), kind, node, envelope);
    if (!found || !is_in_time(keys, i, *found)) return std::nullopt;
    found->newer_key = newer.back().id();
    return found;
  }
  return std::nullopt;
}

template <typename Message>
std::optional<ForgottenManifest> opened(const std::vector<KeyRecord>& keys, std::string_view kind,
                                        std::string_view node, std::string_view envelope) {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    auto found = opened<Message>(keys[i].key, kind, node, envelope);
    if (!found) continue;
    return is_in_time(keys, i, *found) ? std::move(found) : std::nullopt;
  }
  return opened_by_newer<Message>(keys, kind, node, envelope);
}

}  // namespace

std::optional<ForgottenManifest> opened_stamp(const std::vector<KeyRecord>& keys, std::string_view node,
                                              std::string_view stamp) {
  return opened<v1::Stamp>(keys, kStampKind, node, stamp);
}

std::optional<ForgottenManifest> opened_manifest(const std::vector<KeyRecord>& keys, std::string_view node,
                                                 std::string_view envelope) {
  return opened<v1::Manifest>(keys, kManifestKind, node, envelope);
}

RestoreGuard RestoreGuard::parse(std::string_view text) {
  RestoreGuard guard;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string what;
    words >> what;
    if (what == "held") words >> guard.since_ms_;
    if (what == "resumed") words >> guard.resumed_at_ms_;
    if (what == "key") words >> guard.newer_key_ >> guard.newer_key_at_ms_;
    if (what != "found") continue;
    ForgottenManifest one;
    words >> one.node >> one.generation >> one.issued_at_ms >> one.known;
    guard.found_[one.node] = one;
  }
  return guard;
}

std::string RestoreGuard::text() const {
  std::string text;
  if (since_ms_ != 0) text += fmt::format("held {}\n", since_ms_);
  if (resumed_at_ms_ != 0) text += fmt::format("resumed {}\n", resumed_at_ms_);
  if (!newer_key_.empty()) text += fmt::format("key {} {}\n", newer_key_, newer_key_at_ms_);
  for (const auto& [node, one] : found_)
    text += fmt::format("found {} {} {} {}\n", node, one.generation, one.issued_at_ms, one.known);
  return text;
}

bool RestoreGuard::note(const ForgottenManifest& manifest, std::int64_t now_ms) {
  if (manifest.issued_at_ms <= resumed_at_ms_) return false;
  bool is_news = note_newer_key(manifest);
  const auto known = found_.find(manifest.node);
  if (known == found_.end() || known->second.generation < manifest.generation) {
    found_[manifest.node] = manifest;
    is_news = true;
  }
  if (is_news && since_ms_ == 0) since_ms_ = now_ms;
  return is_news;
}

// Nodes that were away for some of the rotations show the keys in between.
bool RestoreGuard::note_newer_key(const ForgottenManifest& manifest) {
  if (manifest.newer_key.empty() || manifest.newer_key == newer_key_) return false;
  if (!newer_key_.empty() && manifest.issued_at_ms <= newer_key_at_ms_) return false;
  newer_key_ = manifest.newer_key;
  newer_key_at_ms_ = manifest.issued_at_ms;
  return true;
}

void RestoreGuard::note_own_key() {
  newer_key_.clear();
  newer_key_at_ms_ = 0;
}

void RestoreGuard::resume(std::int64_t now_ms) {
  *this = RestoreGuard();
  resumed_at_ms_ = now_ms;
}

std::string RestoreGuard::reason() const {
  if (!held()) return {};
  if (!newer_key_.empty()) {
    return fmt::format(
        "this hub was restored from a backup of before its signing key was rotated: the fleet obeys key "
        "'{}', "
        "and refuses this hub's (put back the newest 'signing.key', and start the hub with it; {})",
        newer_key_, kRemedy);
  }
  if (found_.empty()) return fmt::format("this hub was restored from a backup ({})", kRemedy);
  const ForgottenManifest& first = found_.begin()->second;
  return fmt::format(
      "this hub was restored from a backup: {} node{} a manifest of this hub that it does not remember, such "
      "as '{}' generation {} (the newest here is {}) ({})",
      found_.size(), found_.size() == 1 ? " has" : "s have", first.node, first.generation, first.known,
      kRemedy);
}

}  // namespace hivemind::hub
