#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// The adapter of SQLiteCpp: statements are prepared once and kept, failures become Error.
namespace hivemind::sqlite {

struct Blob {
  std::string_view bytes;
};
using Value = std::variant<std::nullptr_t, std::int64_t, double, std::string_view, Blob>;

// The current row of a query; valid during the callback only. Columns count from 0.
class Row {
 public:
  explicit Row(void* statement) : statement_(statement) {}
  std::int64_t integer(int column) const;
  std::string text(int column) const;
  std::string blob(int column) const;
  bool is_null(int column) const;

 private:
  void* statement_;
};

enum class Durability {
  kFull,    // a commit is on the disk when it returns (synchronous=FULL)
  kNormal,  // a commit survives a crash of the process; a power cut may take back the last ones, never break
            // the file
};

// One connection, for one thread. WAL mode. It can be opened on a disk that is full, to be read.
// Errors: kExhausted when the disk is full, kCorrupt when the file is damaged or no database, kConflict when
// a constraint is violated, kUnavailable when it cannot be opened, is locked or read-only, kInternal for a
// wrong statement.
class Database {
 public:
  // migrations[i] brings the schema from version i to i+1 (PRAGMA user_version), each in a transaction of its
  // own. A database from a later version of the program is refused with kConflict.
  Database(const std::filesystem::path& file, Durability durability,
           std::span<const std::string_view> migrations);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Runs one statement; returns the number of changed rows.
  int run(std::string_view sql, std::vector<Value> values = {});
  void each(std::string_view sql, std::vector<Value> values, const std::function<void(const Row&)>& on_row);
  std::int64_t last_insert_id() const;

 private:
  friend class Transaction;
  class Impl;
  static std::unique_ptr<Impl> open(const std::filesystem::path& file, Durability durability);
  std::unique_ptr<Impl> impl_;
};

// Rolled back unless committed. One within another is part of it: only the outermost one commits.
class Transaction {
 public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
  bool open_;  // and to be ended here
};

}  // namespace hivemind::sqlite
