#include "agent/store/store.h"

#include <array>
#include <system_error>

#include "common/digest.h"
#include "common/error.h"

namespace hivemind::agent {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 5> kMigrations{R"(
  CREATE TABLE manifest (id INTEGER PRIMARY KEY CHECK (id = 1), generation INTEGER NOT NULL, envelope BLOB NOT NULL);
  CREATE TABLE value (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
  CREATE TABLE good_release (stack TEXT PRIMARY KEY, digest TEXT NOT NULL, revision TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE good_service (stack TEXT NOT NULL, service TEXT NOT NULL, config_hash TEXT NOT NULL,
                             PRIMARY KEY (stack, service)) WITHOUT ROWID;
  CREATE TABLE completed (container_id TEXT PRIMARY KEY) WITHOUT ROWID;
  CREATE TABLE event (sequence INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL);
)",
                                                      R"(
  CREATE TABLE adopted (id TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (id, key)) WITHOUT ROWID;
)",
                                                      R"(
  CREATE TABLE hooked (container_id TEXT PRIMARY KEY) WITHOUT ROWID;
  CREATE TABLE pulled (image TEXT PRIMARY KEY, at_s INTEGER NOT NULL) WITHOUT ROWID;
)",
                                                      R"(
  CREATE TABLE notice (subject TEXT NOT NULL, stack TEXT NOT NULL, kind TEXT NOT NULL, service TEXT NOT NULL,
                       text TEXT NOT NULL);
)",
                                                      R"(
  CREATE TABLE image (reference TEXT NOT NULL, id TEXT NOT NULL, before TEXT NOT NULL,
                      PRIMARY KEY (reference, id)) WITHOUT ROWID;
)"};

template <typename Message>
std::optional<Message> parsed(const std::string& bytes) {
  Message message;
  if (bytes.empty() || !message.ParseFromString(bytes)) return std::nullopt;
  return message;
}

}  // namespace

Store::Store(const fs::path& data_directory)
    : database_(std::make_unique<sqlite::Database>(data_directory / kFile, sqlite::Durability::kFull,
                                                   kMigrations)) {
  load_stream();
}

fs::path Store::set_aside(const fs::path& data_directory) {
  const fs::path file = data_directory / kFile;
  int number = 1;
  const auto name = [&] { return fs::path(fmt::format("{}.corrupt-{}", file.string(), number)); };
  while (fs::exists(name())) ++number;
  std::error_code error;
  fs::rename(file, name(), error);
  if (error) {
    throw Error(ErrorCode::kUnavailable, "'{}' cannot be set aside: {}", file.string(), error.message());
  }
  // They belong to the file that is gone, and would damage the next one.
  fs::remove(file.string() + "-wal", error);
  fs::remove(file.string() + "-shm", error);
  return name();
}

void Store::load_stream() {
  stream_ = value("stream");
  if (!stream_.empty()) return;
  const std::string fresh = random_hex(8);
  set_value("stream", fresh);
  stream_ = fresh;
}

std::string Store::value(std::string_view key) const {
  std::string found;
  database_->each("SELECT value FROM value WHERE key = ?", {key},
                  [&](const sqlite::Row& row) { found = row.blob(0); });
  return found;
}

void Store::set_value(std::string_view key, std::string_view value) {
  database_->run("INSERT INTO value VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                 {key, sqlite::Blob{value}});
}

std::optional<std::string> Store::manifest() const {
  std::optional<std::string> envelope;
  database_->each("SELECT envelope FROM manifest", {},
                  [&](const sqlite::Row& row) { envelope = row.blob(0); });
  return envelope;
}

void Store::save_manifest(std::uint64_t generation, const std::string& envelope) {
  database_->run("INSERT OR REPLACE INTO manifest VALUES (1, ?, ?)",
                 {static_cast<std::int64_t>(generation), sqlite::Blob{envelope}});
}

std::optional<v1::Report> Store::report() const {
  return parsed<v1::Report>(value("report"));
}
void Store::save_report(const v1::Report& report) {
  set_value("report", report.SerializeAsString());
}

std::optional<v1::Report> Store::applied() const {
  return parsed<v1::Report>(value("applied"));
}
void Store::save_applied(const v1::Report& applied) {
  set_value("applied", applied.SerializeAsString());
}

std::map<std::string, GoodRelease> Store::good_releases() const {
  std::map<std::string, GoodRelease> releases;
  database_->each("SELECT stack, digest, revision FROM good_release", {}, [&](const sqlite::Row& row) {
    releases[row.text(0)] = {row.text(1), row.text(2), {}};
  });
  database_->each("SELECT stack, service, config_hash FROM good_service", {},
                  [&](const sqlite::Row& row) { releases[row.text(0)].services[row.text(1)] = row.text(2); });
  return releases;
}

void Store::save_good_releases(const std::map<std::string, GoodRelease>& releases) {
  sqlite::Transaction transaction(*database_);
  database_->run("DELETE FROM good_service");
  database_->run("DELETE FROM good_release");
  for (const auto& [stack, release] : releases) {
    database_->run("INSERT INTO good_release VALUES (?, ?, ?)", {stack, release.digest, release.revision});
    for (const auto& [service, hash] : release.services) {
      database_->run("INSERT INTO good_service VALUES (?, ?, ?)", {stack, service, hash});
    }
  }
  transaction.commit();
}

std::set<std::string> Store::completed() const {
  std::set<std::string> ids;
  database_->each("SELECT container_id FROM completed", {},
                  [&](const sqlite::Row& row) { ids.insert(row.text(0)); });
  return ids;
}

void Store::save_completed(const std::set<std::string>& container_ids) {
  sqlite::Transaction transaction(*database_);
  database_->run("DELETE FROM completed");
  for (const std::string& id : container_ids) database_->run("INSERT INTO completed VALUES (?)", {id});
  transaction.commit();
}

Adopted Store::adopted() const {
  Adopted adopted;
  database_->each("SELECT id, key, value FROM adopted", {},
                  [&](const sqlite::Row& row) { adopted[row.text(0)][row.text(1)] = row.text(2); });
  return adopted;
}

void Store::save_adopted(const Adopted& adopted) {
  sqlite::Transaction transaction(*database_);
  database_->run("DELETE FROM adopted");
  for (const auto& [id, labels] : adopted) {
    for (const auto& [key, value] : labels)
      database_->run("INSERT INTO adopted VALUES (?, ?, ?)", {id, key, value});
  }
  transaction.commit();
}

std::set<std::string> Store::hooked() const {
  std::set<std::string> ids;
  database_->each("SELECT container_id FROM hooked", {},
                  [&](const sqlite::Row& row) { ids.insert(row.text(0)); });
  return ids;
}

void Store::save_hooked(const std::set<std::string>& container_ids) {
  sqlite::Transaction transaction(*database_);
  database_->run("DELETE FROM hooked");
  for (const std::string& id : container_ids) database_->run("INSERT INTO hooked VALUES (?)", {id});
  transaction.commit();
}

Notices Store::notices() const {
  std::map<std::string, std::vector<Notice>> by_subject;
  database_->each("SELECT subject, stack, kind, service, text FROM notice ORDER BY rowid", {},
                  [&](const sqlite::Row& row) {
                    by_subject[row.text(0)].push_back({row.text(1), row.text(2), row.text(3), row.text(4)});
                  });
  Notices notices;
  for (auto& [subject, list] : by_subject) notices.learn(subject, std::move(list));
  return notices;
}

void Store::save_notices(const Notices& notices) {
  sqlite::Transaction transaction(*database_);
  database_->run("DELETE FROM notice");
  for (const auto& [subject, list] : notices.by_subject()) {
    for (const Notice& notice : list) {
      database_->run("INSERT INTO notice VALUES (?, ?, ?, ?, ?)",
                     {subject, notice.stack, notice.kind, notice.service, notice.text});
    }
  }
  transaction.commit();
}

std::map<std::string, std::int64_t> Store::pulled() const {
  std::map<std::string, std::int64_t> times;
  database_->each("SELECT image, at_s FROM pulled", {},
                  [&](const sqlite::Row& row) { times[row.text(0)] = row.integer(1); });
  return times;
}

void Store::save_pulled(const std::map<std::string, std::int64_t>& times) {
  sqlite::Transaction transaction(*database_);
  database_->run("DELETE FROM pulled");
  for (const auto& [image, at_s] : times) database_->run("INSERT INTO pulled VALUES (?, ?)", {image, at_s});
  transaction.commit();
}

std::set<PulledImage> Store::images() const {
  std::set<PulledImage> images;
  database_->each("SELECT reference, id, before FROM image", {}, [&](const sqlite::Row& row) {
    images.insert({row.text(0), row.text(1), row.text(2)});
  });
  return images;
}

void Store::save_images(const std::set<PulledImage>& images) {
  sqlite::Transaction transaction(*database_);
  database_->run("DELETE FROM image");
  for (const PulledImage& image : images)
    database_->run("INSERT INTO image VALUES (?, ?, ?)", {image.reference, image.id, image.before});
  transaction.commit();
}

std::optional<std::uint64_t> Store::add_event(v1::Event event) {
  std::uint64_t waiting = 0;
  database_->each("SELECT count(*) FROM event", {},
                  [&](const sqlite::Row& row) { waiting = static_cast<std::uint64_t>(row.integer(0)); });
  if (waiting >= kMostEvents) return std::nullopt;
  // The sequence is the row's id, so the body is stored without it. AUTOINCREMENT never gives one out twice,
  // also when all rows are gone, and a rolled back insert takes none: no gaps.
  event.clear_sequence();
  database_->run("INSERT INTO event (body) VALUES (?)", {sqlite::Blob{event.SerializeAsString()}});
  return static_cast<std::uint64_t>(database_->last_insert_id());
}

std::vector<v1::Event> Store::events_after(std::uint64_t sequence, std::size_t most) const {
  std::vector<v1::Event> events;
  database_->each("SELECT sequence, body FROM event WHERE sequence > ? ORDER BY sequence LIMIT ?",
                  {static_cast<std::int64_t>(sequence), static_cast<std::int64_t>(most)},
                  [&](const sqlite::Row& row) {
                    v1::Event event;
                    // A body that does not parse still has its number, so that the sequence has no gap.
                    if (!event.ParseFromString(row.blob(1))) event.Clear();
                    event.set_sequence(static_cast<std::uint64_t>(row.integer(0)));
                    events.push_back(std::move(event));
                  });
  return events;
}

void Store::remove_events_through(std::uint64_t sequence) {
  database_->run("DELETE FROM event WHERE sequence <= ?", {static_cast<std::int64_t>(sequence)});
}

}  // namespace hivemind::agent
