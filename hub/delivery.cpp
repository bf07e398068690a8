#include "hub/delivery.h"

#include <algorithm>

#include "common/digest.h"
#include "common/error.h"
#include "common/log.h"

namespace hivemind::hub {

void Delivery::restore(const StoredManifest& manifest) {
  Entry& entry = entries_[manifest.node];
  entry.generation = manifest.generation;
  entry.sha256 = manifest.envelope_sha256;
  entry.state = State::kPublished;
  if (!manifest.published) enqueue(manifest.node, entry);
}

void Delivery::replace(const std::string& node, std::uint64_t generation, std::string envelope_sha256) {
  Entry& entry = entries_[node];
  const bool queued = entry.generation != 0 && entry.state == State::kQueued;
  entry.generation = generation;
  entry.sha256 = std::move(envelope_sha256);
  entry.is_withdrawn = false;
  if (!queued) enqueue(node, entry);
  pump();
}

// An empty retained message takes the one before it away. What the broker holds is compared as ever, so that
// it is sent again where it was lost.
void Delivery::withdraw(const std::string& node) {
  Entry& entry = entries_[node];
  const bool queued = entry.generation != 0 && entry.state == State::kQueued;
  entry.generation = std::max<std::uint64_t>(entry.generation, 1);
  entry.sha256.clear();
  entry.is_withdrawn = true;
  if (!queued) enqueue(node, entry);
  pump();
}

void Delivery::enqueue(const std::string& node, Entry& entry) {
  entry.state = State::kQueued;
  queue_.push_back(node);
}

void Delivery::up() {
  up_ = true;
  pump();
}

void Delivery::let_go() {
  held_ = false;
  pump();
}

void Delivery::down() {
  up_ = false;
  ++connection_;
  in_flight_ = 0;
  for (auto& [node, entry] : entries_) {
    entry.seen_sha256.clear();
    if (entry.state == State::kInFlight) enqueue(node, entry);
  }
}

void Delivery::pump() {
  while (up_ && !held_ && in_flight_ < kMaxInFlight && !queue_.empty()) {
    const std::string node = queue_.front();
    if (!send(node, entries_[node])) return;
    queue_.pop_front();
  }
}

bool Delivery::send(const std::string& node, Entry& entry) {
  std::string envelope;
  try {
    if (!entry.is_withdrawn) envelope = callbacks_.envelope(node);
  } catch (const Error& error) {
    log::error("manifest of node '{}' cannot be read: {}", node, error.what());
    return false;
  }
  const auto on_delivered = [this, node, sha256 = entry.sha256, connection = connection_] {
    delivered(node, sha256, connection);
  };
  if (!callbacks_.send(node, std::move(envelope), on_delivered)) return false;
  entry.state = State::kInFlight;
  ++in_flight_;
  return true;
}

void Delivery::delivered(const std::string& node, const std::string& sha256, std::uint64_t connection) {
  if (connection != connection_) return;
  if (in_flight_ > 0) --in_flight_;
  Entry& entry = entries_[node];
  if (entry.sha256 == sha256 && entry.state == State::kInFlight) {
    entry.state = State::kPublished;
    entry.seen_sha256 = entry.sha256;
    if (!entry.is_withdrawn) callbacks_.on_published(node, entry.generation);
  }
  pump();
}

bool Delivery::seen(const std::string& node, const std::string& envelope) {
  const auto found = entries_.find(node);
  if (found == entries_.end()) return true;
  found->second.seen_sha256 = envelope.empty() ? "" : sha256_hex(envelope);
  return found->second.seen_sha256 != found->second.sha256;
}

std::size_t Delivery::repair() {
  if (!up_ || held_) return 0;
  std::size_t repaired = 0;
  for (auto& [node, entry] : entries_) {
    if (entry.state != State::kPublished || entry.seen_sha256 == entry.sha256) continue;
    enqueue(node, entry);
    ++repaired;
  }
  pump();
  return repaired;
}

std::size_t Delivery::outstanding() const {
  return static_cast<std::size_t>(std::count_if(entries_.begin(), entries_.end(), [](const auto& entry) {
    return entry.second.state != State::kPublished;
  }));
}

}  // namespace hivemind::hub
