#include "hub/store/enrolment_table.h"

#include <nlohmann/json.hpp>

#include "common/error.h"

namespace hivemind::hub {
namespace {

using nlohmann::json;

constexpr std::string_view kRevocations = "revocations";

std::string text_of(const Labels& labels) {
  return json(std::map<std::string, std::string>(labels.begin(), labels.end()))
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

Labels labels_from(const std::string& text) {
  const json parsed = json::parse(text, nullptr, false);
  Labels labels;
  if (!parsed.is_object()) throw Error(ErrorCode::kCorrupt, "labels in the hub's database do not parse");
  for (const auto& [key, value] : parsed.items())
    if (value.is_string()) labels.emplace(key, value.get<std::string>());
  return labels;
}

std::string text_of(const MachineFacts& facts) {
  return json{{"arch", facts.arch},
              {"os", facts.os},
              {"kernel", facts.kernel},
              {"hostname", facts.hostname},
              {"agent_version", facts.agent_version}}
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

MachineFacts facts_from(const std::string& text) {
  const json parsed = json::parse(text, nullptr, false);
  if (!parsed.is_object())
    throw Error(ErrorCode::kCorrupt, "facts of a node in the hub's database do not parse");
  return {parsed.value("arch", ""), parsed.value("os", ""), parsed.value("kernel", ""),
          parsed.value("hostname", ""), parsed.value("agent_version", "")};
}

EnrolmentToken token_from(const sqlite::Row& row) {
  return {row.text(0),
          row.text(1),
          labels_from(row.text(2)),
          row.text(3),
          row.integer(4) != 0 ? Replacing::kYes : Replacing::kNo,
          row.integer(5) != 0 ? Approval::kNeeded : Approval::kNotNeeded,
          row.integer(6),
          row.integer(7),
          row.text(8),
          row.integer(9),
          row.integer(10),
          row.integer(11)};
}

WaitingNode waiting_from(const sqlite::Row& row) {
  return {row.text(0), row.text(1),    row.text(2),    row.text(3),    facts_from(row.text(4)),
          row.text(5), row.integer(6), row.integer(7), row.integer(8), row.integer(9)};
}

constexpr const char* kWaitingColumns =
    "SELECT request, token, key_sha256, node, facts, address, first_asked_at_ms, asked_at_ms, "
    "approved_at_ms, "
    "rejected_at_ms FROM waiting_nodes";

constexpr const char* kTokenColumns =
    "SELECT id, secret_sha256, labels, node, replacing, approval, uses, used, created_by, created_at_ms, "
    "expires_at_ms, "
    "revoked_at_ms FROM enrolment_tokens";

}  // namespace

std::vector<EnrolmentToken> EnrolmentTable::tokens() {
  std::vector<EnrolmentToken> tokens;
  database_.each(std::string(kTokenColumns) + " ORDER BY created_at_ms, id", {},
                 [&](const sqlite::Row& row) { tokens.push_back(token_from(row)); });
  return tokens;
}

std::optional<EnrolmentToken> EnrolmentTable::token(std::string_view id) {
  std::optional<EnrolmentToken> token;
  database_.each(std::string(kTokenColumns) + " WHERE id = ?", {id},
                 [&](const sqlite::Row& row) { token = token_from(row); });
  return token;
}

void EnrolmentTable::add(const EnrolmentToken& token) {
  database_.run(
      "INSERT INTO enrolment_tokens (id, secret_sha256, labels, node, replacing, approval, uses, used, "
      "created_by, "
      "created_at_ms, expires_at_ms, revoked_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {token.id, token.secret_sha256, text_of(token.labels), token.node,
       std::int64_t{token.replacing == Replacing::kYes}, std::int64_t{token.approval == Approval::kNeeded},
       token.uses, token.used, token.created_by, token.created_at_ms, token.expires_at_ms,
       token.revoked_at_ms});
}

bool EnrolmentTable::revoke_token(std::string_view id, std::int64_t now_ms) {
  sqlite::Transaction transaction(database_);
  const int changed = database_.run(
      "UPDATE enrolment_tokens SET revoked_at_ms = ? WHERE id = ? AND revoked_at_ms = 0", {now_ms, id});
  database_.run("DELETE FROM waiting_nodes WHERE token = ?", {id});
  transaction.commit();
  return changed > 0;
}

std::vector<WaitingNode> EnrolmentTable::waiting() {
  std::vector<WaitingNode> waiting;
  database_.each(
      std::string(kWaitingColumns) + " WHERE rejected_at_ms = 0 ORDER BY first_asked_at_ms, request", {},
      [&](const sqlite::Row& row) { waiting.push_back(waiting_from(row)); });
  return waiting;
}

std::optional<WaitingNode> EnrolmentTable::asked(std::string_view request) {
  std::optional<WaitingNode> asked;
  database_.each(std::string(kWaitingColumns) + " WHERE request = ?", {request},
                 [&](const sqlite::Row& row) { asked = waiting_from(row); });
  return asked;
}

std::optional<WaitingNode> EnrolmentTable::asked(std::string_view token, std::string_view key_sha256) {
  std::optional<WaitingNode> asked;
  database_.each(std::string(kWaitingColumns) + " WHERE token = ? AND key_sha256 = ?", {token, key_sha256},
                 [&](const sqlite::Row& row) { asked = waiting_from(row); });
  return asked;
}

std::int64_t EnrolmentTable::count_waiting(std::string_view token) {
  std::int64_t count = 0;
  database_.each("SELECT count(*) FROM waiting_nodes WHERE token = ? AND rejected_at_ms = 0", {token},
                 [&](const sqlite::Row& row) { count = row.integer(0); });
  return count;
}

void EnrolmentTable::put(const WaitingNode& waiting) {
  database_.run(
      "INSERT INTO waiting_nodes (request, token, key_sha256, node, facts, address, first_asked_at_ms, "
      "asked_at_ms, "
      "approved_at_ms, rejected_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (request) DO UPDATE "
      "SET node = excluded.node, facts = excluded.facts, address = excluded.address, asked_at_ms = "
      "excluded.asked_at_ms, approved_at_ms = excluded.approved_at_ms, rejected_at_ms = "
      "excluded.rejected_at_ms",
      {waiting.request, waiting.token, waiting.key_sha256, waiting.node, text_of(waiting.facts),
       waiting.address, waiting.first_asked_at_ms, waiting.asked_at_ms, waiting.approved_at_ms,
       waiting.rejected_at_ms});
}

// Who was turned away would wait again once that is forgotten: not while the token lets anybody wait.
void EnrolmentTable::forget_waiting(std::int64_t asked_before_ms, std::int64_t now_ms) {
  database_.run(
      "DELETE FROM waiting_nodes WHERE asked_at_ms < ? AND (rejected_at_ms = 0 OR NOT EXISTS (SELECT 1 FROM "
      "enrolment_tokens t WHERE t.id = waiting_nodes.token AND t.revoked_at_ms = 0 AND t.used < t.uses AND "
      "t.expires_at_ms >= ?))",
      {asked_before_ms, now_ms});
}

std::vector<EnrolledNode> EnrolmentTable::nodes() {
  std::vector<EnrolledNode> nodes;
  database_.each(
      "SELECT id, labels, seal_key, key_sha256, certificate, serial, previous_serial, certificate_until_ms, "
      "token, facts, "
      "enrolled_at_ms, renewed_at_ms, revoked_at_ms FROM enrolled_nodes ORDER BY id",
      {}, [&](const sqlite::Row& row) {
        nodes.push_back({row.text(0), labels_from(row.text(1)), row.text(2), row.text(3), row.text(4),
                         row.text(5), row.text(6), row.integer(7), row.text(8), facts_from(row.text(9)),
                         row.integer(10), row.integer(11), row.integer(12)});
      });
  return nodes;
}

void EnrolmentTable::commit(const Issuing& issuing) {
  sqlite::Transaction transaction(database_);
  const std::int64_t now_ms = std::max(issuing.node.enrolled_at_ms, issuing.node.renewed_at_ms);
  if (issuing.replacing == Replacing::kYes) revoke_certificates(issuing.node.id, now_ms);
  if (!issuing.ended.empty()) {
    database_.run("UPDATE certificates SET revoked_at_ms = ? WHERE serial = ?", {now_ms, issuing.ended});
    count_revocation();
  }
  write(issuing.node);
  database_.run("INSERT INTO certificates (serial, node, until_ms, revoked_at_ms) VALUES (?, ?, ?, 0)",
                {issuing.certificate.serial, issuing.certificate.node, issuing.certificate.until_ms});
  if (issuing.token) {
    database_.run("UPDATE enrolment_tokens SET used = used + 1 WHERE id = ?", {*issuing.token});
    database_.run("DELETE FROM waiting_nodes WHERE token = ? AND key_sha256 = ?",
                  {*issuing.token, issuing.waiting_key});
  }
  transaction.commit();
}

void EnrolmentTable::write(const EnrolledNode& node) {
  database_.run(
      "INSERT OR REPLACE INTO enrolled_nodes (id, labels, seal_key, key_sha256, certificate, serial, "
      "previous_serial, "
      "certificate_until_ms, token, facts, enrolled_at_ms, renewed_at_ms, revoked_at_ms) VALUES (?, ?, ?, ?, "
      "?, ?, ?, ?, "
      "?, ?, ?, ?, ?)",
      {node.id, text_of(node.labels), node.seal_key, node.key_sha256, node.certificate, node.serial,
       node.previous_serial, node.certificate_until_ms, node.token, text_of(node.facts), node.enrolled_at_ms,
       node.renewed_at_ms, node.revoked_at_ms});
}

void EnrolmentTable::set_labels(std::string_view node, const Labels& labels) {
  database_.run("UPDATE enrolled_nodes SET labels = ? WHERE id = ?", {text_of(labels), node});
}

void EnrolmentTable::revoke_node(std::string_view node, std::int64_t now_ms) {
  sqlite::Transaction transaction(database_);
  database_.run("UPDATE enrolled_nodes SET revoked_at_ms = ? WHERE id = ?", {now_ms, node});
  revoke_certificates(node, now_ms);
  transaction.commit();
}

void EnrolmentTable::revoke_certificates(std::string_view node, std::int64_t now_ms) {
  database_.run("UPDATE certificates SET revoked_at_ms = ? WHERE node = ? AND revoked_at_ms = 0",
                {now_ms, node});
  count_revocation();
}

void EnrolmentTable::count_revocation() {
  database_.run(
      "INSERT INTO meta (key, value) VALUES (?, '1') ON CONFLICT (key) DO UPDATE SET value = CAST(value AS "
      "INTEGER) + 1",
      {kRevocations});
}

CertificateState EnrolmentTable::certificate_state(std::string_view serial) {
  CertificateState state = CertificateState::kUnknown;
  database_.each("SELECT revoked_at_ms FROM certificates WHERE serial = ?", {serial},
                 [&](const sqlite::Row& row) {
                   state = row.integer(0) == 0 ? CertificateState::kIssued : CertificateState::kRevoked;
                 });
  return state;
}

std::vector<std::string> EnrolmentTable::revoked_serials(std::int64_t now_ms) {
  std::vector<std::string> serials;
  database_.each("SELECT serial FROM certificates WHERE revoked_at_ms > 0 AND until_ms >= ? ORDER BY serial",
                 {now_ms}, [&](const sqlite::Row& row) { serials.push_back(row.text(0)); });
  return serials;
}

std::set<std::string> EnrolmentTable::revoked_nodes(std::int64_t now_ms) {
  std::set<std::string> nodes;
  database_.each("SELECT DISTINCT node FROM certificates WHERE revoked_at_ms > 0 AND until_ms >= ?", {now_ms},
                 [&](const sqlite::Row& row) { nodes.insert(row.text(0)); });
  return nodes;
}

std::int64_t EnrolmentTable::revocation_count() {
  std::int64_t count = 0;
  database_.each("SELECT CAST(value AS INTEGER) FROM meta WHERE key = ?", {kRevocations},
                 [&](const sqlite::Row& row) { count = row.integer(0); });
  return count;
}

void EnrolmentTable::forget_certificates(std::int64_t ended_before_ms) {
  database_.run("DELETE FROM certificates WHERE until_ms < ? AND revoked_at_ms = 0", {ended_before_ms});
}

}  // namespace hivemind::hub
