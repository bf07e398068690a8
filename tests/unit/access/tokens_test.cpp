#include "common/error.h"
#include "common/file.h"
#include "hub/access/access_tokens.h"
#include "hub/access/failure_limit.h"
#include "hub/access/scope_json.h"
#include "hub/access/selector_text.h"
#include "hub/store/schema.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;
using namespace hivemind::hub;
using namespace std::chrono_literals;
using tests::ContainsSubstring;

namespace {

constexpr std::int64_t kNow = 1'769'860'800'123;
constexpr std::int64_t kDay = 86'400'000;

struct Fixture {
  tests::TemporaryDirectory directory;
  sqlite::Database database{directory / "hub.db", sqlite::Durability::kFull, store_migrations()};
  AccessTokens tokens{database};

  AccessTokens::Created create(const std::string& name, api::Role role = api::Role::kViewer,
                               std::int64_t expires_at_ms = 0, api::Scope scope = {}) {
    return tokens.create({name, role, std::move(scope), expires_at_ms}, "admin", kNow);
  }
  bool is_let_in(const std::string& text, std::int64_t at = kNow) {
    return tokens.authenticate(text, "192.0.2.7", at).has_value();
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a token lets in whose it is, with his role and scope, also after a restart") {
  api::Scope scope;
  scope.nodes = parse_selector("site=berlin");
  scope.stacks = {"web"};
  const auto created = create("anna", api::Role::kOperator, kNow + kDay, scope);
  AccessTokens again(database);
  for (AccessTokens* known : {&tokens, &again}) {
    const auto caller = known->authenticate(created.text, "192.0.2.7", kNow + 1);
    REQUIRE(caller.has_value());
    CHECK(caller->name == "anna");
    CHECK((caller->role == api::Role::kOperator));
    CHECK(to_json(caller->scope) == to_json(scope));
    CHECK(caller->address == "192.0.2.7");
    CHECK(caller->token_id == created.token.id);
  }
}

TEST_CASE_METHOD(Fixture, "the database holds neither a token nor its secret") {
  const std::string text = create("anna").text;
  const std::string secret = text.substr(text.rfind('.') + 1);
  CHECK(secret.size() == 64);
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
    ++files;
    CHECK(read_file(entry.path()).find(secret) == std::string::npos);
  }
  CHECK(files >= 1);
}

TEST_CASE_METHOD(Fixture, "what is nearly a token is none") {
  const std::string text = create("anna").text;
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string other = text;
    other[at] = other[at] == 'x' ? 'y' : 'x';
    INFO(at);
    CHECK_FALSE(is_let_in(other));
  }
  for (const std::string& other : {std::string(), text + "0", text.substr(0, text.size() - 1), text.substr(1),
                                   std::string("hmo1."), std::string("hmo1.."), " " + text}) {
    CHECK_FALSE(is_let_in(other));
  }
  CHECK(is_let_in(text));
}

TEST_CASE_METHOD(Fixture, "a token ends when it expires, and at once when it is revoked") {
  const auto brief = create("brief", api::Role::kViewer, kNow + 1000);
  const auto anna = create("anna");
  CHECK(is_let_in(brief.text, kNow + 999));
  CHECK_FALSE(is_let_in(brief.text, kNow + 1000));
  const auto caller = tokens.authenticate(anna.text, "192.0.2.7", kNow);
  REQUIRE(caller.has_value());
  CHECK(tokens.is_good(*caller, kNow));
  CHECK(tokens.revoke("anna", kNow + 5).revoked_at_ms == kNow + 5);
  CHECK_FALSE(tokens.is_good(*caller, kNow + 5));
  CHECK_FALSE(is_let_in(anna.text));
  AccessTokens again(database);
  CHECK_FALSE(again.authenticate(anna.text, "192.0.2.7", kNow).has_value());
  CHECK_THROWS_AS(tokens.revoke("anna", kNow), Error);  // the name is free
  CHECK(tokens.revoke(anna.token.id, kNow + 9).revoked_at_ms == kNow + 5);
  CHECK_NOTHROW(create("anna"));
}

TEST_CASE_METHOD(Fixture, "a name stands for one good token, and cannot look like the hub's own") {
  create("anna");
  CHECK_THROWS_AS(create("anna"), Error);
  for (const char* name : {"", "admin", "hub", "a b", "a\nb", "a/b", "ann\xc3\xa4"}) {
    CHECK_THROWS_AS(create(name), Error);
  }
  CHECK_THROWS_AS(create(std::string(65, 'a')), Error);
}

TEST_CASE_METHOD(Fixture, "there is no admin of a part of the fleet") {
  api::Scope scope;
  scope.stacks = {"web"};
  CHECK_THROWS_AS(create("anna", api::Role::kAdmin, 0, scope), Error);
  CHECK_NOTHROW(create("anna", api::Role::kAdmin));
}

TEST_CASE_METHOD(Fixture, "the last use is shown to the hour") {
  const auto created = create("anna");
  CHECK(tokens.all().at(0).used_at_ms == 0);
  is_let_in(created.text, kNow);
  CHECK(tokens.all().at(0).used_at_ms == 1'769'860'800'000);
  CHECK(AccessTokens(database).all().at(0).used_at_ms == 1'769'860'800'000);
}

TEST_CASE("a stored scope that cannot be read is not the right to everything") {
  using nlohmann::json;
  for (const json& wrong : {json(), json::array(), json({{"node", "a"}}), json({{"stacks", "web"}}),
                            json({{"stacks", {"../x"}}}), json({{"nodes", "site="}})}) {
    CHECK_THROWS_AS(scope_from_json(wrong), Error);
  }
  CHECK(scope_from_json({{"nodes", ""}, {"stacks", json::array()}}).is_whole());
}

TEST_CASE("selectors are read as people write them") {
  const Selector selector = parse_selector("site=berlin,role=wall,role=kiosk,pi-2,pi-1");
  CHECK(selector.labels.at("role") == std::vector<std::string>{"wall", "kiosk"});
  CHECK(selector.ids == std::vector<std::string>{"pi-1", "pi-2"});
  CHECK(parse_selector(to_text(selector)).labels == selector.labels);
  CHECK(to_text(Selector{}) == "");
  for (const char* wrong : {"", ",", "=x", "site=", "PI", "a=b,-"})
    CHECK_THROWS_AS(parse_selector(wrong), Error);
}

TEST_CASE("an address that shows wrong tokens is told to wait, longer each time that it does not") {
  FailureLimit limit;
  auto now = FailureLimit::Clock::time_point(1h);
  const auto failed = [&](const char* address) {
    const auto wait = limit.failed(address, now);
    return wait ? wait->count() : 0;
  };
  for (int i = 0; i < FailureLimit::kBurst; ++i) CHECK(failed("192.0.2.7") == 0);
  CHECK(failed("192.0.2.7") == 3);
  CHECK(failed("192.0.2.7") == 6);
  for (int i = 0; i < 10; ++i) failed("192.0.2.7");
  CHECK(failed("192.0.2.7") == 60);
  CHECK(failed("192.0.2.8") == 0);
  now += 61s;
  CHECK(failed("192.0.2.7") == 0);
  now += 1h;
  for (int i = 0; i < FailureLimit::kBurst; ++i) CHECK(failed("192.0.2.7") == 0);
  CHECK(failed("192.0.2.7") == 3);
}

TEST_CASE("the memory of failures is bounded, and one customer of IPv6 is one address") {
  FailureLimit limit;
  const auto now = FailureLimit::Clock::time_point(1h);
  for (int i = 0; i < 10'000; ++i) limit.failed(fmt::format("10.0.{}.{}", i / 250, i % 250), now);
  CHECK(limit.size() == +FailureLimit::kMostAddresses);
  FailureLimit other;
  for (int i = 0; i < 100; ++i) other.failed(fmt::format("2001:db8:1:2::{:x}", i + 1), now);
  other.failed("::ffff:192.0.2.7", now);
  other.failed("192.0.2.7", now);
  CHECK(other.size() == 2);
}

TEST_CASE_METHOD(Fixture, "of a token that somebody gives whole its id is taken, and no secret is told") {
  const auto created = create("anna");
  const std::string& id = created.token.id;
  const std::string secret = created.text.substr(created.text.rfind('.') + 1);
  CHECK(token_named(created.text) == id);
  CHECK(token_named(created.text.substr(0, created.text.size() - 9)) == id);
  CHECK(token_named(id) == id);
  CHECK(token_named(id + "." + secret) == id);
  for (const std::string& name :
       {std::string("anna"), std::string("ci.berlin"), std::string("a@example.org")})
    CHECK(token_named(name) == name);
  for (const std::string& other :
       {secret, "hmo1." + secret, std::string("hmo1."), std::string("hm1.CA.0a1b2c3d4e.s3cret")}) {
    INFO(other);
    CHECK(token_named(other).find(secret) == std::string::npos);
    CHECK(token_named(other).find("s3cret") == std::string::npos);
  }
}
