#include "hub/store/secret_rows.h"

namespace hivemind::hub {
namespace {

sqlite::Blob blob(const std::string& bytes) {
  return sqlite::Blob{bytes};
}

}  // namespace

std::vector<SecretRow> SecretRows::secrets() {
  std::vector<SecretRow> rows;
  database_.each("SELECT name, scope, box, updated_at_ms FROM secrets ORDER BY name, scope", {},
                 [&](const sqlite::Row& row) {
                   rows.push_back({row.text(0), row.text(1), row.blob(2), row.integer(3)});
                 });
  return rows;
}

void SecretRows::put(const SecretRow& row) {
  database_.run(
      "INSERT INTO secrets (name, scope, box, updated_at_ms) VALUES (?, ?, ?, ?) ON CONFLICT (name, scope) "
      "DO "
      "UPDATE SET box = excluded.box, updated_at_ms = excluded.updated_at_ms",
      {row.name, row.scope, blob(row.box), row.updated_at_ms});
}

bool SecretRows::remove(std::string_view name, std::string_view scope) {
  return database_.run("DELETE FROM secrets WHERE name = ? AND scope = ?", {name, scope}) > 0;
}

std::vector<LoginRow> SecretRows::logins() {
  std::vector<LoginRow> rows;
  database_.each("SELECT registry, box, updated_at_ms FROM registry_logins ORDER BY registry", {},
                 [&](const sqlite::Row& row) {
                   rows.push_back({row.text(0), row.blob(1), row.integer(2)});
                 });
  return rows;
}

void SecretRows::put(const LoginRow& row) {
  database_.run(
      "INSERT INTO registry_logins (registry, box, updated_at_ms) VALUES (?, ?, ?) ON CONFLICT (registry) DO "
      "UPDATE SET box = excluded.box, updated_at_ms = excluded.updated_at_ms",
      {row.registry, blob(row.box), row.updated_at_ms});
}

bool SecretRows::remove_login(std::string_view registry) {
  return database_.run("DELETE FROM registry_logins WHERE registry = ?", {registry}) > 0;
}

std::vector<SecretValueRow> SecretRows::values() {
  std::vector<SecretValueRow> rows;
  database_.each("SELECT id, name, box FROM secret_values ORDER BY id", {}, [&](const sqlite::Row& row) {
    rows.push_back({row.text(0), row.text(1), row.blob(2)});
  });
  return rows;
}

bool SecretRows::any() {
  bool any = false;
  database_.each(
      "SELECT 1 WHERE EXISTS (SELECT 1 FROM secrets) OR EXISTS (SELECT 1 FROM registry_logins) OR EXISTS "
      "(SELECT 1 FROM secret_values)",
      {}, [&](const sqlite::Row&) { any = true; });
  return any;
}

std::map<std::string, std::string> SecretRows::sealed_to() {
  std::map<std::string, std::string> keys;
  database_.each("SELECT node, key FROM sealed_to", {},
                 [&](const sqlite::Row& row) { keys.emplace(row.text(0), row.text(1)); });
  return keys;
}

void SecretRows::write_value(const SecretValueRow& row) {
  database_.run("INSERT OR IGNORE INTO secret_values (id, name, box) VALUES (?, ?, ?)",
                {row.id, row.name, blob(row.box)});
}

void SecretRows::write_use(std::string_view digest, std::string_view id) {
  database_.run("INSERT OR IGNORE INTO release_secrets (digest, id) VALUES (?, ?)", {digest, id});
}

void SecretRows::write_sealed_to(std::string_view node, std::string_view key) {
  if (key.empty()) {
    database_.run("DELETE FROM sealed_to WHERE node = ?", {node});
    return;
  }
  database_.run(
      "INSERT INTO sealed_to (node, key) VALUES (?, ?) ON CONFLICT (node) DO UPDATE SET key = excluded.key",
      {node, key});
}

void SecretRows::forget_unassigned() {
  database_.run("DELETE FROM release_secrets WHERE digest NOT IN (SELECT digest FROM assignments)");
  database_.run("DELETE FROM secret_values WHERE id NOT IN (SELECT id FROM release_secrets)");
}

}  // namespace hivemind::hub
