#include "hub/store/event_log.h"

#include <algorithm>
#include <utility>

#include "common/log.h"

namespace hivemind::hub {
namespace {

void cut(std::string* text, std::size_t most) {
  if (text->size() <= most) return;
  while (most > 0 && (static_cast<unsigned char>((*text)[most]) & 0xC0) == 0x80) --most;  // whole UTF-8
  text->resize(most);
}

v1::Event limited(v1::Event event) {
  constexpr std::size_t kMaxNameBytes = 256;
  for (std::string* name :
       {event.mutable_kind(), event.mutable_stack(), event.mutable_service(), event.mutable_revision()})
    cut(name, kMaxNameBytes);
  cut(event.mutable_text(), EventLog::kMaxTextBytes);
  return event;
}

}  // namespace

std::optional<EventPosition> EventLog::position(const std::string& node) {
  std::optional<EventPosition> position;
  database_.each("SELECT stream, sequence FROM acks WHERE node = ?", {node}, [&](const sqlite::Row& row) {
    position = EventPosition{row.text(0), static_cast<std::uint64_t>(row.integer(1))};
  });
  return position;
}

void EventLog::append(const EventBatch& batch) {
  if (batch.events.empty()) return;
  std::uint64_t stored = stored_before(batch);
  for (const v1::Event& event : batch.events) {
    if (event.sequence() <= stored) continue;
    if (event.sequence() != stored + 1) break;
    insert(batch, event);
    stored = event.sequence();
  }
  database_.run(
      "INSERT INTO acks (node, stream, sequence) VALUES (?, ?, ?) ON CONFLICT (node) DO UPDATE SET "
      "stream = excluded.stream, sequence = excluded.sequence",
      {batch.node, batch.stream, static_cast<std::int64_t>(stored)});
}

std::uint64_t EventLog::stored_before(const EventBatch& batch) {
  const std::uint64_t begin = batch.events.front().sequence();
  const std::uint64_t first = batch.first == 0 ? 0 : std::min(batch.first, begin);
  const std::optional<EventPosition> before = position(batch.node);
  if (!before || before->stream != batch.stream) return (first == 0 ? begin : first) - 1;
  if (first <= before->sequence + 1) return before->sequence;
  tell_loss(batch, before->sequence);
  return first - 1;
}

// Once a second at most: a restored hub finds it with each of its nodes.
void EventLog::tell_loss(const EventBatch& batch, std::uint64_t stored) {
  constexpr std::chrono::seconds kPause{1};
  ++untold_losses_;
  const auto now = std::chrono::steady_clock::now();
  if (now - last_loss_ < kPause) return;
  last_loss_ = now;
  log::warn(
      "events {} to {} of node '{}' are missing here, and the node has them no more: they were acknowledged "
      "before this hub was restored from a backup; those behind them are stored (gaps since the last "
      "such line: {})",
      stored + 1, batch.first - 1, batch.node, std::exchange(untold_losses_, 0));
}

void EventLog::insert(const EventBatch& batch, const v1::Event& event) {
  const v1::Event kept = limited(event);
  const std::string body = kept.SerializeAsString();
  // A stream that comes back after another one finds its events there: they stay as they are.
  const int added = database_.run(
      "INSERT OR IGNORE INTO events (node, stream, sequence, at_ms, stack, body) VALUES (?, ?, ?, ?, ?, ?)",
      {batch.node, batch.stream, static_cast<std::int64_t>(kept.sequence()), kept.at_ms(), kept.stack(),
       sqlite::Blob{body}});
  constexpr std::int64_t kPruneEvery = 1000;
  if (added > 0 && database_.last_insert_id() % kPruneEvery == 0) prune();
}

void EventLog::prune() {
  std::vector<std::string> talkers;
  database_.each("SELECT node FROM events GROUP BY node HAVING count(*) > ?", {kCapacityOfNode},
                 [&](const sqlite::Row& row) { talkers.push_back(row.text(0)); });
  for (const std::string& node : talkers) {
    database_.run(
        "DELETE FROM events WHERE node = ? AND id <= "
        "(SELECT id FROM events WHERE node = ? ORDER BY id DESC LIMIT 1 OFFSET ?)",
        {node, node, kCapacityOfNode});
  }
  database_.run("DELETE FROM events WHERE id <= (SELECT id FROM events ORDER BY id DESC LIMIT 1 OFFSET ?)",
                {kCapacity});
}

std::vector<StoredEvent> EventLog::find(const EventQuery& query) {
  std::string sql = "SELECT id, node, body FROM events WHERE id > ?";
  std::vector<sqlite::Value> values{query.after.value_or(0)};
  if (!query.node.empty()) {
    sql += " AND node = ?";
    values.emplace_back(std::string_view(query.node));
  }
  if (!query.stack.empty()) {
    sql += " AND stack = ?";
    values.emplace_back(std::string_view(query.stack));
  }
  sql += query.after ? " ORDER BY id LIMIT ?" : " ORDER BY id DESC LIMIT ?";
  values.emplace_back(std::int64_t{query.limit});
  std::vector<StoredEvent> found;
  database_.each(sql, values, [&](const sqlite::Row& row) {
    StoredEvent stored{row.integer(0), row.text(1), {}};
    if (stored.event.ParseFromString(row.blob(2))) found.push_back(std::move(stored));
  });
  if (!query.after) std::reverse(found.begin(), found.end());
  return found;
}

std::int64_t EventLog::last_id() {
  std::int64_t last = 0;
  database_.each("SELECT coalesce(max(id), 0) FROM events", {},
                 [&](const sqlite::Row& row) { last = row.integer(0); });
  return last;
}

}  // namespace hivemind::hub
