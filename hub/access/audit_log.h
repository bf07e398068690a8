#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/sqlite/database.h"

namespace hivemind::hub {

// Who does something, and what. Values of secrets must not be in it.
struct AuditedDeed {
  std::string who;                                  // name of a token; "hub": the hub by itself
  std::string role;                                 // empty for the hub
  std::string token;                                // id; empty for admin.token and the hub
  std::string address;                              // where from
  std::string action;                               // "node.retry"
  nlohmann::json asked = nlohmann::json::object();  // of what: {"node": "pi-1", "stack": "web"}
};

struct AuditedOutcome {
  unsigned status = 200;  // as HTTP has it
  std::string text;       // what was wrong; empty: nothing
  nlohmann::json before;
  nlohmann::json after;
};

// A deed with its outcome. No outcome: the hub died before there was one, or it is under way.
struct AuditEntry {
  std::int64_t id = 0;
  std::int64_t at_ms = 0;  // Unix time, the hub's clock
  AuditedDeed deed;
  std::optional<AuditedOutcome> outcome;
  std::string hash;  // of the newest row of it
};

struct AuditQuery {
  int limit = 100;
  std::int64_t since_ms = 0;
  std::int64_t before = 0;  // deeds with lower ids only; 0: the newest
  std::string who{};        // empty: all
};

struct AuditHead {
  std::int64_t id = 0;  // 0: the log is empty
  std::string hash;     // 64 hex digits
};

struct AuditVerdict {
  AuditHead head;
  std::int64_t rows = 0;
  std::string wrong;             // what is wrong with the first wrong row; empty: the chain holds
  std::optional<bool> has_head;  // whether the head that was asked for is in it
};

// Everything that was changed, by whom: rows that are only ever added. Each row's hash covers its text and
// the hash of the row before, so a row that was edited, taken out, put in or moved breaks the chain from
// there on. What cannot be noticed from the log alone: rows cut off at its end, or all of it made anew; a
// head that was noted elsewhere shows both. (The hub's own log has one with each change.)
//
// A deed is written down before it is done, and its outcome as a second row when it is known.
//
// Thread: the loop's. Errors: those of sqlite::Database. Rows are kept for ever.
class AuditLog {
 public:
  explicit AuditLog(sqlite::Database& database);

  // Returns the id of the deed.
  std::int64_t begin(const AuditedDeed& deed, std::int64_t at_ms);
  void end(std::int64_t begun, const AuditedOutcome& outcome, std::int64_t at_ms);
  // Both in one row, for what is done already.
  void note(const AuditedDeed& deed, const AuditedOutcome& outcome, std::int64_t at_ms);

  const AuditHead& head() const { return head_; }
  std::vector<AuditEntry> find(const AuditQuery& query);  // the newest last

  // A piece of the verification, so that the loop can do other things between two: call it until it says that
  // it is done.
  class Verification {
   public:
    Verification(AuditLog& log, std::string wanted_head);
    bool step();  // true: done
    const AuditVerdict& verdict() const { return verdict_; }

   private:
    AuditLog& log_;
    std::string wanted_;
    AuditHead end_;  // as of the beginning
    AuditHead at_;
    AuditVerdict verdict_;
  };

 private:
  std::int64_t append(nlohmann::json entry, const std::string& who, std::int64_t of, std::int64_t at_ms);

  sqlite::Database& database_;
  AuditHead head_;
};

// The hash of a row, of the one before it and its text.
std::string audit_hash(std::string_view previous, std::string_view text);

}  // namespace hivemind::hub
