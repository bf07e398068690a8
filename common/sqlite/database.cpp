#include "common/sqlite/database.h"

#include <map>
#include <type_traits>

#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>

#include "common/error.h"

namespace hivemind::sqlite {
namespace {

constexpr int kBusyTimeoutMs = 5000;

// Primary result codes: https://www.sqlite.org/rescode.html
ErrorCode code_of(int sqlite_code) {
  switch (sqlite_code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
      return ErrorCode::kExhausted;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorCode::kCorrupt;
    case SQLITE_CONSTRAINT:
      return ErrorCode::kConflict;
    case SQLITE_CANTOPEN:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_READONLY:
    case SQLITE_IOERR:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return ErrorCode::kUnavailable;
    default:
      return ErrorCode::kInternal;
  }
}

// A full disk shows as SQLITE_FULL, or as a failed write of the shared-memory file.
ErrorCode code_of(const SQLite::Exception& failure) {
  const int extended = failure.getExtendedErrorCode();
  if (extended == SQLITE_IOERR_SHMSIZE || extended == SQLITE_IOERR_WRITE) return ErrorCode::kExhausted;
  return code_of(failure.getErrorCode());
}

template <typename Call>
auto guarded(const std::string& file, Call&& call) {
  try {
    return call();
  } catch (const SQLite::Exception& failure) {
    throw Error(code_of(failure), "database '{}': {}", file, failure.what());
  }
}

void bind_all(SQLite::Statement& statement, const std::vector<Value>& values) {
  int index = 0;
  for (const Value& value : values) {
    ++index;
    std::visit(
        [&](const auto& v) {
          using T = std::decay_t<decltype(v)>;
          if constexpr (std::is_same_v<T, std::nullptr_t>) {
            statement.bind(index);
          } else if constexpr (std::is_same_v<T, std::string_view>) {
            statement.bind(index, std::string(v));
          } else if constexpr (std::is_same_v<T, Blob>) {
            statement.bind(index, v.bytes.data() == nullptr ? "" : v.bytes.data(),
                           static_cast<int>(v.bytes.size()));
          } else {
            statement.bind(index, v);
          }
        },
        value);
  }
}

// A statement goes back to the cache unbound, whatever happened.
class Lease {
 public:
  explicit Lease(SQLite::Statement& statement) : statement_(statement) {}
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() {
    statement_.tryReset();
    statement_.clearBindings();
  }

 private:
  SQLite::Statement& statement_;
};

SQLite::Column column_of(void* statement, int column) {
  return static_cast<SQLite::Statement*>(statement)->getColumn(column);
}

}  // namespace

std::int64_t Row::integer(int column) const {
  return column_of(statement_, column).getInt64();
}

std::string Row::text(int column) const {
  return column_of(statement_, column).getString();
}

std::string Row::blob(int column) const {
  const SQLite::Column value = column_of(statement_, column);
  return {static_cast<const char*>(value.getBlob()), static_cast<std::size_t>(value.getBytes())};
}

bool Row::is_null(int column) const {
  return column_of(statement_, column).isNull();
}

class Database::Impl {
 public:
  explicit Impl(const std::filesystem::path& path)
      : file(path.string()), database(file, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, kBusyTimeoutMs) {}

  SQLite::Statement& prepared(std::string_view sql) {
    const auto found = statements.find(sql);
    if (found != statements.end()) return found->second;
    std::string text(sql);
    return statements.try_emplace(text, database, text).first->second;
  }

  void configure(Durability durability) {
    database.exec("PRAGMA journal_mode=WAL");
    database.exec(durability == Durability::kFull ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
    database.exec("PRAGMA foreign_keys=ON");
  }

  int schema_version() { return database.execAndGet("PRAGMA user_version").getInt(); }

  std::string file;
  SQLite::Database database;
  std::map<std::string, SQLite::Statement, std::less<>> statements;  // gone before the database
};

// The index of the log lies in a file, for whoever else opens the database. On a disk without room for it it
// lies in this process's memory: what is stored can be read, and nobody else gets in until the database is
// opened anew. That is for a connection to say before anything else (https://www.sqlite.org/wal.html, 8).
std::unique_ptr<Database::Impl> Database::open(const std::filesystem::path& file, Durability durability) {
  try {
    auto impl = std::make_unique<Impl>(file);
    impl->configure(durability);
    return impl;
  } catch (const SQLite::Exception& failure) {
    if (code_of(failure) != ErrorCode::kExhausted) throw;
  }
  auto impl = std::make_unique<Impl>(file);
  impl->database.exec("PRAGMA locking_mode=EXCLUSIVE");
  impl->configure(durability);
  return impl;
}

Database::Database(const std::filesystem::path& file, Durability durability,
                   std::span<const std::string_view> migrations) {
  guarded(file.string(), [&] {
    impl_ = open(file, durability);
    const int version = impl_->schema_version();
    if (version > static_cast<int>(migrations.size())) {
      throw Error(
          ErrorCode::kConflict,
          "database '{}' has schema version {}, this program knows up to {} (run the newer program again, or "
          "restore the backup from before it)",
          file.string(), version, migrations.size());
    }
    for (std::size_t next = static_cast<std::size_t>(version); next < migrations.size(); ++next) {
      SQLite::Transaction transaction(impl_->database);
      impl_->database.exec(std::string(migrations[next]));
      impl_->database.exec(fmt::format("PRAGMA user_version={}", next + 1));
      transaction.commit();
    }
  });
}

Database::~Database() = default;

int Database::run(std::string_view sql, std::vector<Value> values) {
  return guarded(impl_->file, [&] {
    SQLite::Statement& statement = impl_->prepared(sql);
    const Lease lease(statement);
    bind_all(statement, values);
    return statement.exec();
  });
}

void Database::each(std::string_view sql, std::vector<Value> values,
                    const std::function<void(const Row&)>& on_row) {
  guarded(impl_->file, [&] {
    SQLite::Statement& statement = impl_->prepared(sql);
    const Lease lease(statement);
    bind_all(statement, values);
    while (statement.executeStep()) on_row(Row(&statement));
  });
}

std::int64_t Database::last_insert_id() const {
  return impl_->database.getLastInsertRowid();
}

Transaction::Transaction(Database& database)
    : database_(database), open_(sqlite3_get_autocommit(database.impl_->database.getHandle()) != 0) {
  if (open_) database_.run("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  if (!open_) return;
  try {
    database_.run("ROLLBACK");
  } catch (const Error&) {
    // SQLite has rolled back by itself already, as it does when the disk is full.
  }
}

void Transaction::commit() {
  if (!open_) return;
  database_.run("COMMIT");
  open_ = false;
}

}  // namespace hivemind::sqlite
