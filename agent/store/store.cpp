#include "agent/store/store.h"

#include <array>
#include <fstream>
#include <system_error>

#include "agent/plan/utf8.h"
#include "common/digest.h"
#include "common/error.h"

namespace hivemind::agent {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 9> kMigrations{R"(
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
)",
                                                      R"(
  ALTER TABLE good_release ADD COLUMN body BLOB NOT NULL DEFAULT x'';
  CREATE TABLE good_image (stack TEXT NOT NULL, service TEXT NOT NULL, image_id TEXT NOT NULL,
                           PRIMARY KEY (stack, service)) WITHOUT ROWID;
  CREATE TABLE good_file (sha256 TEXT PRIMARY KEY, content BLOB NOT NULL);
  CREATE TABLE trial (stack TEXT PRIMARY KEY, digest TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE failed_release (stack TEXT NOT NULL, digest TEXT NOT NULL, number INTEGER NOT NULL, body BLOB NOT NULL,
                               PRIMARY KEY (stack, digest)) WITHOUT ROWID;
)",
                                                      R"(
  CREATE TABLE job (stack TEXT NOT NULL, label TEXT NOT NULL, exit_code INTEGER NOT NULL, text TEXT NOT NULL,
                    output TEXT NOT NULL, PRIMARY KEY (stack, label)) WITHOUT ROWID;
)",
                                                      R"(
  ALTER TABLE good_release ADD COLUMN sha256 TEXT NOT NULL DEFAULT '';
)",
                                                      R"(
  CREATE TABLE good_secret (id TEXT PRIMARY KEY, name TEXT NOT NULL, sealed BLOB NOT NULL);
)"};

// SQLite cannot open what is no file, and would say so for ever.
void require_files(const fs::path& file) {
  for (const char* part : {"", "-wal", "-shm", "-journal"}) {
    const fs::path path = file.string() + part;
    std::error_code error;
    const fs::file_status status = fs::symlink_status(path, error);
    if (fs::exists(status) && !fs::is_regular_file(status))
      throw Error(ErrorCode::kCorrupt, "database '{}': '{}' is no file", file.string(), path.string());
  }
}

// Offset 18 of a database is the version that is needed to write it. A higher one than any that there is
// makes SQLite read only, as a disk would
// (https://www.sqlite.org/fileformat.html#file_format_version_numbers).
void require_writable_format(const fs::path& file) {
  constexpr std::size_t kOffset = 18;
  constexpr int kNewest = 2;
  std::array<char, kOffset + 1> header{};
  std::ifstream in(file, std::ios::binary);
  if (!in.read(header.data(), header.size())) return;
  const int version = static_cast<unsigned char>(header[kOffset]);
  if (version > kNewest)
    throw Error(ErrorCode::kCorrupt, "database '{}' is of format {}, not up to {}", file.string(), version,
                kNewest);
}

std::unique_ptr<sqlite::Database> opened(const fs::path& file) {
  require_files(file);
  require_writable_format(file);
  return std::make_unique<sqlite::Database>(file, sqlite::Durability::kFull, kMigrations);
}

v1::FailedRelease message_of(const FailedRelease& release) {
  v1::FailedRelease message;
  message.set_revision(release.revision);
  message.set_service(release.service);
  message.set_reason(release.reason);
  message.set_text(valid_utf8(release.text));
  message.set_exit_code(release.exit_code);
  message.set_output(valid_utf8(release.output));
  message.set_at_ms(release.at_ms);
  message.set_restored(release.restored);
  return message;
}

// That it failed counts, also where the rest cannot be read.
FailedRelease failed_from(const std::string& body) {
  v1::FailedRelease message;
  if (!message.ParseFromString(body)) message.Clear();
  FailedRelease release;
  release.revision = message.revision();
  release.service = message.service();
  release.reason = message.reason();
  release.text = message.text();
  release.exit_code = message.exit_code();
  release.output = message.output();
  release.at_ms = message.at_ms();
  release.restored = message.restored();
  return release;
}

template <typename Message>
std::optional<Message> parsed(const std::string& bytes) {
  Message message;
  if (bytes.empty() || !message.ParseFromString(bytes)) return std::nullopt;
  return message;
}

}  // namespace

Store::Store(const fs::path& data_directory) : database_(opened(data_directory / kFile)) {
  load_stream();
}

bool Store::is_damage(ErrorCode code) {
  return code == ErrorCode::kCorrupt || code == ErrorCode::kInternal || code == ErrorCode::kConflict;
}

fs::path Store::set_aside(const fs::path& data_directory) {
  const fs::path file = data_directory / kFile;
  int number = 1;
  const auto name = [&] { return fs::path(fmt::format("{}.corrupt-{}", file.string(), number)); };
  while (number < kMostSetAside && fs::exists(name())) ++number;
  std::error_code error;
  fs::remove_all(name(), error);
  fs::rename(file, name(), error);
  if (error) {
    throw Error(ErrorCode::kUnavailable, "'{}' cannot be set aside: {}", file.string(), error.message());
  }
  // They belong to the file that is gone, and would damage the next one.
  for (const char* part : {"-wal", "-shm", "-journal"}) fs::remove_all(file.string() + part, error);
  return name();
}

void Store::together(const std::function<void()>& writes) {
  sqlite::Transaction transaction(*database_);
  writes();
  transaction.commit();
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

std::map<std::string, std::map<std::string, FailedRelease>> Store::failed() const {
  std::map<std::string, std::map<std::string, FailedRelease>> failed;
  database_->each("SELECT stack, digest, number, body FROM failed_release", {}, [&](const sqlite::Row& row) {
    FailedRelease release = failed_from(row.blob(3));
    release.digest = row.text(1);
    release.number = static_cast<std::uint64_t>(row.integer(2));
    failed[row.text(0)][row.text(1)] = std::move(release);
  });
  return failed;
}

void Store::save_failed(const std::map<std::string, std::map<std::string, FailedRelease>>& failed) {
  sqlite::Transaction transaction(*database_);
  database_->run("DELETE FROM failed_release");
  for (const auto& [stack, releases] : failed) {
    for (const auto& [digest, release] : releases) {
      database_->run("INSERT INTO failed_release VALUES (?, ?, ?, ?)",
                     {stack, digest, static_cast<std::int64_t>(release.number),
                      sqlite::Blob{message_of(release).SerializeAsString()}});
    }
  }
  transaction.commit();
}

std::map<std::string, std::map<std::string, JobEnd>> Store::jobs() const {
  std::map<std::string, std::map<std::string, JobEnd>> jobs;
  database_->each("SELECT stack, label, exit_code, text, output FROM job", {}, [&](const sqlite::Row& row) {
    jobs[row.text(0)][row.text(1)] = {static_cast<int>(row.integer(2)), row.text(3), row.text(4)};
  });
  return jobs;
}

void Store::save_jobs(const std::map<std::string, std::map<std::string, JobEnd>>& jobs) {
  sqlite::Transaction transaction(*database_);
  database_->run("DELETE FROM job");
  for (const auto& [stack, ends] : jobs) {
    for (const auto& [label, end] : ends) {
      database_->run("INSERT INTO job VALUES (?, ?, ?, ?, ?)",
                     {stack, label, static_cast<std::int64_t>(end.exit_code), end.text, end.output});
    }
  }
  transaction.commit();
}

std::map<std::string, std::string> Store::trials() const {
  std::map<std::string, std::string> trials;
  database_->each("SELECT stack, digest FROM trial", {},
                  [&](const sqlite::Row& row) { trials[row.text(0)] = row.text(1); });
  return trials;
}

void Store::save_trials(const std::map<std::string, std::string>& trials) {
  sqlite::Transaction transaction(*database_);
  database_->run("DELETE FROM trial");
  for (const auto& [stack, digest] : trials)
    database_->run("INSERT INTO trial VALUES (?, ?)", {stack, digest});
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
