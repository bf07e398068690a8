#include "hub/access/audit_log.h"

#include <algorithm>

#include "common/digest.h"
#include "common/error.h"

namespace hivemind::hub {
namespace {

using nlohmann::json;

constexpr std::int64_t kRowsAtOnce = 1000;
constexpr std::size_t kLongestText = 512;
constexpr std::size_t kLongestValue = 4096;
constexpr std::string_view kDomain{"hivemind/v1\0audit\0", 18};

// As it is hashed and stored: members sorted, no spaces.
std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string shortened(std::string text) {
  if (text.size() > kLongestText) text = text.substr(0, kLongestText) + "…";
  return text;
}

// A row must not grow with what somebody sends.
json bounded(const json& value) {
  const std::string text = dump(value);
  return text.size() <= kLongestValue ? value
                                      : json({{"too_long", text.size()}, {"sha256", sha256_hex(text)}});
}

json to_json(const AuditedDeed& deed) {
  return {{"who", shortened(deed.who)},         {"role", deed.role},     {"token", deed.token},
          {"address", shortened(deed.address)}, {"action", deed.action}, {"asked", bounded(deed.asked)}};
}

json to_json(const AuditedOutcome& outcome) {
  return {{"status", outcome.status},
          {"text", shortened(outcome.text)},
          {"before", bounded(outcome.before)},
          {"after", bounded(outcome.after)}};
}

AuditedDeed deed_of(const json& row) {
  return {row.value("who", ""),     row.value("role", ""),   row.value("token", ""),
          row.value("address", ""), row.value("action", ""), row.value("asked", json::object())};
}

AuditedOutcome outcome_of(const json& row) {
  return {row.value("status", 0u), row.value("text", ""), row.value("before", json()),
          row.value("after", json())};
}

}  // namespace

std::string audit_hash(std::string_view previous, std::string_view text) {
  std::string bytes(kDomain);
  bytes += previous;
  bytes += '\0';
  bytes += text;
  return sha256_hex(bytes);
}

AuditLog::AuditLog(sqlite::Database& database) : database_(database) {
  database_.each("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1", {}, [&](const sqlite::Row& row) {
    head_ = {row.integer(0), row.text(1)};
  });
}

std::int64_t AuditLog::append(json entry, const std::string& who, std::int64_t of, std::int64_t at_ms) {
  const std::int64_t id = head_.id + 1;
  entry["id"] = id;
  entry["at_ms"] = at_ms;
  if (of != 0) entry["of"] = of;
  const std::string text = dump(entry);
  const std::string hash = audit_hash(head_.hash, text);
  database_.run("INSERT INTO audit (id, of, at_ms, who, entry, hash) VALUES (?, ?, ?, ?, ?, ?)",
                {id, of, at_ms, std::string_view(who), text, hash});
  head_ = {id, hash};
  return id;
}

std::int64_t AuditLog::begin(const AuditedDeed& deed, std::int64_t at_ms) {
  return append(to_json(deed), shortened(deed.who), 0, at_ms);
}

void AuditLog::end(std::int64_t begun, const AuditedOutcome& outcome, std::int64_t at_ms) {
  append(to_json(outcome), "", begun, at_ms);
}

void AuditLog::note(const AuditedDeed& deed, const AuditedOutcome& outcome, std::int64_t at_ms) {
  json entry = to_json(deed);
  entry.update(to_json(outcome));
  append(std::move(entry), shortened(deed.who), 0, at_ms);
}

std::vector<AuditEntry> AuditLog::find(const AuditQuery& query) {
  // 'o.of > 0' is what the index is made for: without it SQLite makes one of its own, of the whole log.
  std::string sql =
      "SELECT d.id, d.at_ms, d.entry, d.hash, o.entry, o.hash FROM audit d LEFT JOIN audit o ON o.of = d.id "
      "AND o.of > 0 WHERE d.of = 0 AND d.at_ms >= ?";
  std::vector<sqlite::Value> values{query.since_ms};
  if (query.before > 0) {
    sql += " AND d.id < ?";
    values.emplace_back(query.before);
  }
  if (!query.who.empty()) {
    sql += " AND d.who = ?";
    values.emplace_back(std::string_view(query.who));
  }
  sql += " ORDER BY d.id DESC LIMIT ?";
  values.emplace_back(std::int64_t{query.limit});
  std::vector<AuditEntry> found;
  database_.each(sql, values, [&](const sqlite::Row& row) {
    const json deed = json::parse(row.text(2), nullptr, false);
    const json outcome = row.is_null(4) ? json() : json::parse(row.text(4), nullptr, false);
    AuditEntry entry{row.integer(0), row.integer(1), {}, {}, row.is_null(5) ? row.text(3) : row.text(5)};
    if (deed.is_object()) entry.deed = deed_of(deed);
    if (outcome.is_object()) {
      entry.outcome = outcome_of(outcome);
    } else if (deed.is_object() && deed.contains("status")) {
      entry.outcome = outcome_of(deed);
    }
    found.push_back(std::move(entry));
  });
  std::reverse(found.begin(), found.end());
  return found;
}

AuditLog::Verification::Verification(AuditLog& log, std::string wanted_head)
    : log_(log), wanted_(std::move(wanted_head)), end_(log.head()) {
  if (!wanted_.empty()) verdict_.has_head = false;
}

bool AuditLog::Verification::step() {
  std::int64_t seen = 0;
  log_.database_.each(
      "SELECT id, of, at_ms, who, entry, hash FROM audit WHERE id > ? AND id <= ? ORDER BY id LIMIT ?",
      {at_.id, end_.id, kRowsAtOnce}, [&](const sqlite::Row& row) {
        ++seen;
        if (!verdict_.wrong.empty()) return;
        const std::int64_t id = row.integer(0);
        const std::string text = row.text(4);
        const json entry = json::parse(text, nullptr, false);
        const auto says = [&](const char* member, std::int64_t otherwise) {
          return entry.is_object() && entry.contains(member) && entry[member].is_number_integer()
                     ? entry[member].get<std::int64_t>()
                     : otherwise;
        };
        if (id != at_.id + 1) {
          verdict_.wrong = fmt::format("row {} is missing", at_.id + 1);
        } else if (row.text(5) != audit_hash(at_.hash, text)) {
          verdict_.wrong =
              fmt::format("row {} is not what was written, or does not follow row {}", id, at_.id);
        } else if (says("id", 0) != id || says("at_ms", 0) != row.integer(2) ||
                   says("of", 0) != row.integer(1) ||
                   (row.integer(1) == 0 && entry.value("who", "") != row.text(3))) {
          verdict_.wrong = fmt::format("the columns of row {} say something else than its text", id);
        }
        if (!verdict_.wrong.empty()) return;
        at_ = {id, row.text(5)};
        ++verdict_.rows;
        if (!wanted_.empty() && at_.hash == wanted_) verdict_.has_head = true;
      });
  verdict_.head = at_;
  if (!verdict_.wrong.empty()) return true;
  if (seen > 0 && at_.id < end_.id) return false;
  // The log knows its newest row from writing it: what was cut off while the hub runs is seen.
  if (at_.id != end_.id || at_.hash != end_.hash) {
    verdict_.wrong = fmt::format("row {} is missing", at_.id + 1);
  }
  return true;
}

}  // namespace hivemind::hub
