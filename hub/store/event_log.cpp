#include "hub/store/event_log.h"

#include <algorithm>

namespace hivemind::hub {

std::optional<EventPosition> EventLog::position(const std::string& node) {
  std::optional<EventPosition> position;
  database_.each("SELECT stream, sequence FROM acks WHERE node = ?", {node}, [&](const sqlite::Row& row) {
    position = EventPosition{row.text(0), static_cast<std::uint64_t>(row.integer(1))};
  });
  return position;
}

void EventLog::append(const EventBatch& batch) {
  if (batch.events.empty()) return;
  const std::optional<EventPosition> before = position(batch.node);
  const bool continues = before && before->stream == batch.stream;
  std::uint64_t stored = continues ? before->sequence : batch.events.front().sequence() - 1;
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

void EventLog::insert(const EventBatch& batch, const v1::Event& event) {
  const std::string body = event.SerializeAsString();
  // A stream that comes back after another one finds its events there: they stay as they are.
  const int added = database_.run(
      "INSERT OR IGNORE INTO events (node, stream, sequence, at_ms, stack, body) VALUES (?, ?, ?, ?, ?, ?)",
      {batch.node, batch.stream, static_cast<std::int64_t>(event.sequence()), event.at_ms(), event.stack(),
       sqlite::Blob{body}});
  constexpr std::int64_t kPruneEvery = 1000;
  const std::int64_t id = database_.last_insert_id();
  if (added > 0 && id > kCapacity && id % kPruneEvery == 0) {
    database_.run("DELETE FROM events WHERE id <= ?", {id - kCapacity});
  }
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
