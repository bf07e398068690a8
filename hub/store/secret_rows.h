#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/sqlite/database.h"

namespace hivemind::hub {

// An encrypted value under a name.
struct SecretRow {
  std::string name;
  std::string scope;
  std::string box;
  std::int64_t updated_at_ms = 0;  // Unix time
};

struct LoginRow {
  std::string registry;
  std::string box;
  std::int64_t updated_at_ms = 0;
};

struct SecretValueRow {
  std::string id;
  std::string name;
  std::string box;
};

// What the hub keeps of secrets; nothing here can open a box.
class SecretRows {
 public:
  explicit SecretRows(sqlite::Database& database) : database_(database) {}

  std::vector<SecretRow> secrets();  // by name and scope
  void put(const SecretRow& row);
  bool remove(std::string_view name, std::string_view scope);  // false: there was none

  std::vector<LoginRow> logins();  // by registry
  void put(const LoginRow& row);
  bool remove_login(std::string_view registry);

  // Of releases that nodes are assigned to.
  std::vector<SecretValueRow> values();
  // Something is there that only the right master key can open.
  bool any();
  std::map<std::string, std::string> sealed_to();  // node -> key

  // Parts of Store::commit(), within its transaction.
  void write_value(const SecretValueRow& row);
  void write_use(std::string_view digest, std::string_view id);
  void write_sealed_to(std::string_view node, std::string_view key);  // empty: to none
  void forget_unassigned();

 private:
  sqlite::Database& database_;
};

}  // namespace hivemind::hub
