#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/sqlite/database.h"
#include "hivemind/v1/report.pb.h"

namespace hivemind::hub {

struct EventBatch {
  std::string node;
  std::string stream;
  std::vector<v1::Event> events;
  std::uint64_t first = 0;  // the oldest that the node still has, as it says; 0: it does not
};

struct StoredEvent {
  std::int64_t id = 0;  // grows in the order of storing
  std::string node;
  v1::Event event;
};

struct EventQuery {
  std::optional<std::int64_t> after{};  // nothing: the newest ones
  int limit = 100;
  std::string node{};   // empty: any
  std::string stack{};  // empty: any
};

// How far the events of a node's stream are stored without a gap.
struct EventPosition {
  std::string stream;
  std::uint64_t sequence = 0;
  bool operator==(const EventPosition&) const = default;
};

// The events of all nodes, each stored once, however often it is sent. About the newest kCapacity are kept,
// and of one node about kCapacityOfNode, so that a node that never stops talking takes nobody's past away.
class EventLog {
 public:
  static constexpr std::int64_t kCapacity = 200'000;
  static constexpr std::int64_t kCapacityOfNode = 10'000;
  static constexpr std::size_t kMaxTextBytes =
      4096;  // what is longer is cut; an agent's own words are shorter

  explicit EventLog(sqlite::Database& database) : database_(database) {}

  // Call within a transaction. Stores what continues the node's stream: events that are stored already are
  // passed over, and those behind a gap are left out, to be sent again. What the node has no more is not
  // waited for: it was acknowledged, by this hub before it was restored from a backup. The first batch of a
  // new stream may begin anywhere.
  void append(const EventBatch& batch);

  std::vector<StoredEvent> find(const EventQuery& query);
  std::optional<EventPosition> position(const std::string& node);
  std::int64_t last_id();

 private:
  std::uint64_t stored_before(const EventBatch& batch);
  void tell_loss(const EventBatch& batch, std::uint64_t stored);
  void insert(const EventBatch& batch, const v1::Event& event);
  void prune();

  sqlite::Database& database_;
  std::chrono::steady_clock::time_point last_loss_{};
  std::uint64_t untold_losses_ = 0;
};

}  // namespace hivemind::hub
