#include "common/sqlite/database.h"

#include <array>

#include "common/error.h"
#include "common/file.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;
using sqlite::Blob;
using sqlite::Database;
using sqlite::Durability;
using sqlite::Row;
using sqlite::Transaction;
using tests::TemporaryDirectory;

namespace {

constexpr std::array<std::string_view, 2> kSchema = {
    "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT UNIQUE, data BLOB)",
    "ALTER TABLE t ADD COLUMN note TEXT"};

std::int64_t count(Database& database) {
  std::int64_t rows = -1;
  database.each("SELECT count(*) FROM t", {}, [&](const Row& row) { rows = row.integer(0); });
  return rows;
}

template <typename Call>
ErrorCode code_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  FAIL("nothing was thrown");
  return ErrorCode::kInternal;
}

}  // namespace

TEST_CASE("values of every type read back") {
  const TemporaryDirectory directory;
  Database database(directory / "db", Durability::kFull, kSchema);
  const std::string bytes("\0\1\2", 3);
  database.run("INSERT INTO t(id, name, data, note) VALUES(?,?,?,?)",
               {std::int64_t{7}, "ü", Blob{bytes}, nullptr});
  int rows = 0;
  database.each("SELECT id, name, data, note FROM t", {}, [&](const Row& row) {
    ++rows;
    CHECK(row.integer(0) == 7);
    CHECK(row.text(1) == "ü");
    CHECK(row.blob(2) == bytes);
    CHECK(row.is_null(3));
  });
  CHECK(rows == 1);
}

TEST_CASE("an empty blob is a blob, not NULL") {
  const TemporaryDirectory directory;
  Database database(directory / "db", Durability::kFull, kSchema);
  database.run("INSERT INTO t(data) VALUES(?)", {Blob{{}}});
  database.each("SELECT data FROM t", {}, [](const Row& row) {
    CHECK_FALSE(row.is_null(0));
    CHECK(row.blob(0).empty());
  });
}

TEST_CASE("a transaction that is not committed leaves nothing") {
  const TemporaryDirectory directory;
  Database database(directory / "db", Durability::kFull, kSchema);
  {
    Transaction transaction(database);
    database.run("INSERT INTO t(name) VALUES('a')");
  }
  CHECK(count(database) == 0);
  {
    Transaction transaction(database);
    database.run("INSERT INTO t(name) VALUES('a')");
    transaction.commit();
  }
  CHECK(count(database) == 1);
}

TEST_CASE("a schema is brought up to date and what was stored stays") {
  const TemporaryDirectory directory;
  {
    Database old(directory / "db", Durability::kFull, std::span(kSchema).first(1));
    old.run("INSERT INTO t(name) VALUES('kept')");
  }
  Database database(directory / "db", Durability::kFull, kSchema);
  CHECK(database.run("UPDATE t SET note='new' WHERE name='kept'") == 1);
}

TEST_CASE("a database of a later program is refused") {
  const TemporaryDirectory directory;
  { Database newer(directory / "db", Durability::kFull, kSchema); }
  CHECK(code_of([&] { Database older(directory / "db", Durability::kFull, std::span(kSchema).first(1)); }) ==
        ErrorCode::kConflict);
}

TEST_CASE("a violated constraint is a conflict and the statement can be used again") {
  const TemporaryDirectory directory;
  Database database(directory / "db", Durability::kFull, kSchema);
  const auto insert = [&](std::string_view name) { database.run("INSERT INTO t(name) VALUES(?)", {name}); };
  insert("a");
  CHECK(code_of([&] { insert("a"); }) == ErrorCode::kConflict);
  insert("b");
  CHECK(count(database) == 2);
}

TEST_CASE("a file that is no database is corrupt, and named") {
  const TemporaryDirectory directory;
  write_file_durably(directory / "db", std::string(8192, 'x'), 0644);
  CHECK(code_of([&] { Database database(directory / "db", Durability::kFull, kSchema); }) ==
        ErrorCode::kCorrupt);
}

TEST_CASE("a database in a directory that is not there cannot be opened") {
  const TemporaryDirectory directory;
  CHECK(code_of([&] { Database database(directory / "absent/db", Durability::kFull, kSchema); }) ==
        ErrorCode::kUnavailable);
}

TEST_CASE("a database that may not grow is exhausted, and goes on when it may again") {
  const TemporaryDirectory directory;
  Database database(directory / "db", Durability::kFull, kSchema);
  const std::string large(1 << 20, 'x');
  database.each("PRAGMA max_page_count=20", {}, [](const Row&) {});
  CHECK(code_of([&] { database.run("INSERT INTO t(data) VALUES(?)", {Blob{large}}); }) ==
        ErrorCode::kExhausted);
  database.each("PRAGMA max_page_count=100000", {}, [](const Row&) {});
  database.run("INSERT INTO t(data) VALUES(?)", {Blob{large}});
  CHECK(count(database) == 1);
}
