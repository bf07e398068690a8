#include "hub/api/enrolment_views.h"

#include "common/error.h"
#include "tests/support/catch.h"

using namespace hivemind;
using namespace hivemind::hub;
using namespace hivemind::hub::api;
using namespace std::chrono_literals;
using tests::ContainsSubstring;

TEST_CASE("what a machine sends is read, and what another version adds is passed over") {
  const Enrolment::Question question = enrolment_question(
      R"({"token":"a.b","csr":"C","sealing_key":"S","node":"pi-7","facts":{"arch":"arm64","hostname":"h","more":1},"more":{}})");
  CHECK(question.credential == "a.b");
  CHECK(question.csr == "C");
  CHECK(question.seal_key == "S");
  CHECK(question.wish == "pi-7");
  CHECK(question.facts == MachineFacts{"arm64", "", "", "h", ""});
  CHECK(enrolment_question("{}").credential.empty());
}

TEST_CASE("bodies that are not what they should be are refused, naming the member") {
  for (const char* body : {"", "[]", "1", "{", "null"}) {
    if (*body != '\0') CHECK_THROWS_AS(enrolment_question(body), Error);
    CHECK_THROWS_AS(renewal_body(body), Error);
  }
  CHECK_THROWS_WITH(enrolment_question(R"({"token":1})"), ContainsSubstring("'token'"));
  CHECK_THROWS_WITH(enrolment_question(R"({"facts":{"arch":[]}})"), ContainsSubstring("'arch'"));
  CHECK_THROWS_WITH(renewal_body(R"({"certificate":"c","csr":"r"})"), ContainsSubstring("'signature'"));
  CHECK_THROWS_AS(renewal_body(R"({"certificate":"c","csr":"r","signature":"*"})"), Error);
  CHECK(renewal_body(R"({"certificate":"c","csr":"r","signature":"AAE="})").signature ==
        std::string("\0\1", 2));
}

TEST_CASE("a token's wish has defaults, and no member that is not known") {
  const Enrolment::TokenWish plain = token_wish("");
  CHECK(plain.ttl == 1h);
  CHECK(plain.uses == 1);
  CHECK(plain.approval == Approval::kNotNeeded);
  const Enrolment::TokenWish wish =
      token_wish(R"({"ttl_s":60,"uses":5,"labels":{"site":"berlin"},"node":"pi-7","approve":true})");
  CHECK(wish.ttl == 60s);
  CHECK(wish.uses == 5);
  CHECK(wish.labels == Labels{{"site", "berlin"}});
  CHECK(wish.node == "pi-7");
  CHECK(wish.approval == Approval::kNeeded);
  for (const char* body : {R"({"tll_s":60})", R"({"ttl_s":"60"})", R"({"uses":1.5})", R"({"approve":"yes"})",
                           R"({"labels":["a"]})", R"({"labels":{"a":1}})"})
    CHECK_THROWS_AS(token_wish(body), Error);
  CHECK(token_wish(R"({"ttl_s":9223372036854775807})").ttl > 0s);  // and is refused as too long
}

TEST_CASE("labels to set and to take away are read") {
  const LabelBody body = label_body(R"({"set":{"a":"b"},"remove":["c","d"]})");
  CHECK(body.set == Labels{{"a", "b"}});
  CHECK(body.remove == std::vector<std::string>{"c", "d"});
  for (const char* bad : {R"({"remove":"c"})", R"({"remove":[1]})", R"({"set":[]})", R"({"unset":[]})"})
    CHECK_THROWS_AS(label_body(bad), Error);
}

TEST_CASE("what is shown of a token holds neither its secret nor the digest of it") {
  EnrolmentToken token;
  token.id = "t1";
  token.secret_sha256 = "5ec3e7";
  CHECK(token_view(token, 0).dump().find("5ec3e7") == std::string::npos);
  CHECK(token_view(token, 0).at("state") == "good");
}
