#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/mqtt/link.h"
#include "common/redact.h"
#include "hub/inventory/inventory.h"
#include "hub/store/store.h"

namespace hivemind::hub {

// Takes what nodes send: checks it, keeps the newest in the inventory, and gathers what is to be stored.
// Anybody who can reach the broker may send anything, so what does not belong is dropped, and told at most
// once a second.
//
// For the loop thread; does no I/O of its own.
class Intake {
 public:
  static constexpr std::size_t kMaxMessageBytes = 1u << 20;
  static constexpr std::size_t kMaxNodes = 100'000;
  static constexpr std::size_t kMaxPendingEvents =
      50'000;  // beyond, batches are dropped: they will be sent again

  struct Callbacks {
    std::function<void()> on_changed;             // something to show and to store
    std::function<void()> on_identities_changed;  // a new node, or other labels
    // Of what the node has received: another stamp than before, or key of the hub's that it obeys; and a
    // generation above the newest one.
    std::function<void(const std::string& node)> on_stamp;
    std::function<void(const std::string& node, std::uint64_t generation)> on_generation;
  };

  // redactor: takes out of what nodes say what nobody may see; null: nothing.
  Intake(Inventory& inventory, Callbacks callbacks, const Redactor* redactor = nullptr)
      : inventory_(inventory), callbacks_(std::move(callbacks)), redactor_(redactor) {}

  // Presence, reports and events; anything else is dropped.
  void take(const mqtt::Message& message, std::int64_t now_ms);

  // A connection has come up: for a while, what comes may have waited at the broker.
  void note_connection(std::int64_t now_ms) { connected_at_ms_ = now_ms; }

  // What came since the last call. give_back() when it could not be stored.
  IntakeChange drain();
  void give_back(IntakeChange change);
  bool has_pending() const { return !dirty_.empty() || !events_.empty() || !published_.empty(); }

  // The broker has acknowledged a manifest: to be stored along.
  void note_published(const std::string& node, std::uint64_t generation) { published_[node] = generation; }

 private:
  void take_presence(const std::string& id, const mqtt::Message& message, std::int64_t now_ms);
  void take_report(const std::string& id, const mqtt::Message& message, std::int64_t now_ms);
  void take_events(const std::string& id, const std::string& bytes);
  void require_room(const std::string& id) const;
  void drop(std::string_view topic, std::string_view why);

  Inventory& inventory_;
  Callbacks callbacks_;
  const Redactor* redactor_;
  std::set<std::string> dirty_;  // nodes to be stored
  std::vector<EventBatch> events_;
  std::size_t pending_events_ = 0;
  std::map<std::string, std::uint64_t> published_;
  std::int64_t connected_at_ms_ = 0;
  std::chrono::steady_clock::time_point last_drop_{};
  std::uint64_t untold_drops_ = 0;
};

}  // namespace hivemind::hub
