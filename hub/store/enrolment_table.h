#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/sqlite/database.h"
#include "hub/enrolment/records.h"
#include "hub/enrolment/rules.h"

namespace hivemind::hub {

// All that one enrolment or renewal changes, in one transaction.
struct Issuing {
  EnrolledNode node;
  IssuedCertificate certificate;       // the one that the node has now
  std::optional<std::string> token{};  // one of its uses is taken
  std::string waiting_key{};  // of the machine that waits no longer with that token; empty: none does
  Replacing replacing = Replacing::kNo;  // all certificates of the node before are revoked
  std::string ended{};                   // serial of the one that is; empty: none
};

// Tokens, nodes, who waits, and certificates, in the hub's database. A call that has returned is on the disk.
//
// Thread: the loop's. Errors: those of sqlite::Database; a call that throws has changed nothing.
class EnrolmentTable {
 public:
  explicit EnrolmentTable(sqlite::Database& database) : database_(database) {}

  std::vector<EnrolmentToken> tokens();
  std::optional<EnrolmentToken> token(std::string_view id);
  void add(const EnrolmentToken& token);
  // Who waits with it is turned away. False when there is no such token that is not revoked.
  bool revoke_token(std::string_view id, std::int64_t now_ms);

  // Those who were turned away are left out here and in the count; they are found where one is asked for.
  std::vector<WaitingNode> waiting();
  std::int64_t count_waiting(std::string_view token);
  std::optional<WaitingNode> asked(std::string_view request);
  std::optional<WaitingNode> asked(std::string_view token, std::string_view key_sha256);
  void put(const WaitingNode& waiting);
  // Those who have not asked since then; of those who were turned away only whose token is good no more.
  void forget_waiting(std::int64_t asked_before_ms, std::int64_t now_ms);

  std::vector<EnrolledNode> nodes();
  void commit(const Issuing& issuing);
  void set_labels(std::string_view node, const Labels& labels);
  // The node, and all certificates that it ever had.
  void revoke_node(std::string_view node, std::int64_t now_ms);

  CertificateState certificate_state(std::string_view serial);
  // Sorted. Those that have ended are left out: they are refused without a list.
  std::vector<std::string> revoked_serials(std::int64_t now_ms);
  // Whose they are.
  std::set<std::string> revoked_nodes(std::int64_t now_ms);
  // Grows with every revocation.
  std::int64_t revocation_count();
  // But those that are revoked: should the clock have been ahead, they must not count as unknown ones.
  void forget_certificates(std::int64_t ended_before_ms);

 private:
  void write(const EnrolledNode& node);
  void revoke_certificates(std::string_view node, std::int64_t now_ms);
  void count_revocation();

  sqlite::Database& database_;
};

}  // namespace hivemind::hub
