#include "common/error.h"
#include "hub/access/access_routes.h"
#include "hub/access/audit_log.h"
#include "hub/store/schema.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;
using namespace hivemind::hub;
using nlohmann::json;
using tests::ContainsSubstring;

namespace {

constexpr std::int64_t kNow = 1'769'860'800'123;

struct Fixture {
  tests::TemporaryDirectory directory;
  sqlite::Database database{directory / "hub.db", sqlite::Durability::kFull, store_migrations()};
  AuditLog log{database};

  Fixture() {
    for (int i = 0; i < 5; ++i) {
      const auto id = log.begin(deed("anna", "node.retry", {{"node", "pi-1"}, {"n", i}}), kNow + i);
      log.end(id, {200, "", nullptr, {{"n", i}}}, kNow + i);
    }
  }

  static AuditedDeed deed(const std::string& who, const std::string& action, json asked) {
    return {who, "operator", "0a1b", "192.0.2.7", action, std::move(asked)};
  }

  AuditVerdict verify(const std::string& head = "") { return verify(log, head); }
  static AuditVerdict verify(AuditLog& of, const std::string& head = "") {
    AuditLog::Verification verification(of, head);
    while (!verification.step()) continue;
    return verification.verdict();
  }
  // As somebody does who can write the file: the triggers are no obstacle.
  void tamper(const std::string& sql) {
    database.run("DROP TRIGGER IF EXISTS audit_is_not_edited");
    database.run("DROP TRIGGER IF EXISTS audit_is_not_cut");
    REQUIRE(database.run(sql) > 0);
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a deed stands there with its outcome, and one that had none says so") {
  log.begin(deed("bert", "sync", {{"confirm_empty", true}}), kNow + 9);
  const auto found = log.find({});
  REQUIRE(found.size() == 6);
  CHECK(found[0].deed.who == "anna");
  CHECK(found[0].deed.address == "192.0.2.7");
  CHECK(found[0].deed.asked == json({{"node", "pi-1"}, {"n", 0}}));
  REQUIRE(found[0].outcome.has_value());
  CHECK(found[0].outcome->after == json({{"n", 0}}));
  CHECK(found[5].deed.action == "sync");
  CHECK_FALSE(found[5].outcome.has_value());
}

TEST_CASE_METHOD(Fixture, "the log is asked by name, time, and place") {
  log.note(deed("hub", "git.publish", json::object()), {200, "", {{"revision", "a"}}, {{"revision", "b"}}},
           kNow + 100);
  AuditQuery query;
  query.who = "hub";
  REQUIRE(log.find(query).size() == 1);
  CHECK(log.find(query).at(0).outcome->before == json({{"revision", "a"}}));
  query = {};
  query.since_ms = kNow + 4;
  CHECK(log.find(query).size() == 2);
  query = {};
  query.limit = 2;
  CHECK(log.find(query).at(1).deed.action == "git.publish");
  query = {};
  query.before = 3;
  CHECK(log.find(query).size() == 1);
}

TEST_CASE_METHOD(Fixture, "a log that nobody has touched is whole, also after a restart") {
  CHECK(verify().wrong == "");
  CHECK(verify().rows == 10);
  AuditLog again(database);
  CHECK(again.head().hash == log.head().hash);
  again.note(deed("anna", "sync", json::object()), {}, kNow);
  CHECK(verify(again).wrong == "");
  CHECK((verify(again, log.head().hash).has_head == std::optional(true)));
}

TEST_CASE_METHOD(Fixture, "rows are neither edited nor removed by the program") {
  CHECK_THROWS_AS(database.run("UPDATE audit SET who = 'x' WHERE id = 3"), Error);
  CHECK_THROWS_AS(database.run("DELETE FROM audit WHERE id = 3"), Error);
  CHECK(verify().rows == 10);
}

TEST_CASE_METHOD(Fixture, "each way to change a row is found") {
  for (const char* sql :
       {"UPDATE audit SET entry = replace(entry, 'pi-1', 'pi-2') WHERE id = 3",
        "UPDATE audit SET entry = replace(entry, '200', '403') WHERE id = 10",
        "UPDATE audit SET who = 'bert' WHERE id = 5", "UPDATE audit SET at_ms = at_ms - 1 WHERE id = 5",
        "UPDATE audit SET of = 3 WHERE id = 6",
        "UPDATE audit SET hash = lower(hex(randomblob(32))) WHERE id = 10", "DELETE FROM audit WHERE id = 1",
        "DELETE FROM audit WHERE id = 4", "DELETE FROM audit WHERE id IN (3, 4)",
        "DELETE FROM audit WHERE id = 10", "UPDATE audit SET id = 99 WHERE id = 5"}) {
    INFO(sql);
    Fixture each;
    each.tamper(sql);
    CHECK(each.verify().wrong != "");
  }
  tamper("INSERT INTO audit SELECT 11, of, at_ms, who, entry, hash FROM audit WHERE id = 3");
  AuditLog again(database);
  CHECK(verify(again).wrong != "");
}

TEST_CASE_METHOD(Fixture, "rows that change places are found") {
  tamper("UPDATE audit SET id = -3 WHERE id = 3");
  tamper("UPDATE audit SET id = 3 WHERE id = 5");
  tamper("UPDATE audit SET id = 5 WHERE id = -3");
  CHECK_THAT(verify().wrong, ContainsSubstring("row 3 is not what was written"));
}

TEST_CASE_METHOD(Fixture, "a tail that was cut off is found with a head that was noted, and not without") {
  const std::string noted = log.head().hash;
  tamper("DELETE FROM audit WHERE id > 6");
  AuditLog again(database);  // of a hub that was started afterwards
  CHECK(verify(again).wrong == "");
  CHECK((verify(again, noted).has_head == std::optional(false)));
}

TEST_CASE_METHOD(Fixture, "a log that was made anew does not have the noted head") {
  const std::string noted = log.head().hash;
  tamper("DELETE FROM audit");
  AuditLog anew(database);
  for (int i = 0; i < 20; ++i) anew.note(deed("anna", "sync", json::object()), {}, kNow);
  CHECK(verify(anew).wrong == "");
  CHECK((verify(anew, noted).has_head == std::optional(false)));
}

TEST_CASE_METHOD(Fixture, "what somebody sends does not blow a row up") {
  log.note(deed("anna", "sync", {{"stack", std::string(100'000, 'x')}}),
           {400, std::string(100'000, 'y'), {}, {}}, kNow);
  std::int64_t length = 0;
  database.each("SELECT max(length(entry)) FROM audit", {},
                [&](const sqlite::Row& row) { length = row.integer(0); });
  CHECK(length < 2000);
  CHECK(verify().wrong == "");
}

TEST_CASE("of a request's body the log keeps what the route names, and nothing else") {
  const api::Route route{
      "POST", "/api/v1/secrets/{name}", api::Role::kAdmin, {"secret.set", {"scope", "q"}}, {}};
  api::Request request = api::Request::parse("POST", "/api/v1/secrets/db?q=1&value=hunter2",
                                             R"({"value":"hunter2","scope":"fleet"})");
  request.variables["name"] = "db";
  request.caller.name = "anna";
  request.caller.role = api::Role::kAdmin;
  request.caller.address = "192.0.2.7";
  request.caller.token_id = "0a1b";
  const AuditedDeed deed = deed_of(route, request);
  CHECK(deed.asked == json({{"name", "db"}, {"scope", "fleet"}, {"q", "1"}}));
  CHECK(deed.who == "anna");
  request.body = "hunter2 is no JSON";
  CHECK(deed_of(route, request).asked.dump().find("hunter2") == std::string::npos);
}
