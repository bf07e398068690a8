#include "agent/identity/messages.h"

#include <nlohmann/json.hpp>

#include "common/digest.h"
#include "common/error.h"
#include "tests/support/catch.h"

namespace hivemind::agent {
namespace {

using nlohmann::json;

TEST_CASE("a node asks with its token, its request, its sealing key and its facts") {
  const json asked = json::parse(to_json(
      {"id.secret", "CSR", "hivemind-x25519 A", "", {"aarch64", "Debian", "6.1", "pi", "hivemind 0.1"}}));
  CHECK(asked["token"] == "id.secret");
  CHECK(asked["csr"] == "CSR");
  CHECK(asked["sealing_key"] == "hivemind-x25519 A");
  CHECK_FALSE(asked.contains("node"));
  CHECK(asked["facts"]["hostname"] == "pi");
  CHECK(json::parse(to_json({"t", "c", "k", "pi-1", {}}))["node"] == "pi-1");
}

TEST_CASE("a host's name that is no UTF-8 does not keep it from asking") {
  CHECK_NOTHROW(json::parse(to_json({"t", "c", "k", "", {"", "", "", "\xff\xfe", ""}})));
}

TEST_CASE("a hub grants, or lets wait") {
  const json grant{{"node", "pi-1"},
                   {"certificate", "C"},
                   {"ca", "A"},
                   {"broker", "mqtts://hub:8883"},
                   {"signing_key", "K"}};
  const auto granted = enrolment_answer(200, grant.dump());
  REQUIRE(std::holds_alternative<Grant>(granted));
  CHECK(std::get<Grant>(granted).node == "pi-1");
  CHECK(std::get<Grant>(granted).hub_key == "K");
  const auto waiting = enrolment_answer(202, R"({"state": "waiting", "retry_after_s": 7})");
  REQUIRE(std::holds_alternative<Waiting>(waiting));
  CHECK(std::get<Waiting>(waiting).retry_after_s == 7);
  CHECK(std::get<Waiting>(enrolment_answer(202, R"({"retry_after_s": -7})")).retry_after_s == 1);
}

TEST_CASE("what no hub says is refused") {
  for (const char* body : {"", "[]", "{}", R"({"node": 3})", R"({"node": "a", "certificate": "b"})"}) {
    CAPTURE(body);
    CHECK_THROWS_AS(enrolment_answer(200, body), Error);
    CHECK_THROWS_AS(renewal_answer(body), Error);
    CHECK_THROWS_AS(ca_answer(body), Error);
  }
}

TEST_CASE("a renewal is signed with the old key over the request for the new one") {
  using namespace std::string_view_literals;
  const auto old_key = x509::PrivateKey::generate();
  const auto new_key = x509::PrivateKey::generate();
  const json asked = json::parse(renewal_question("OLD", old_key, new_key, "pi-1"));
  CHECK(asked["certificate"] == "OLD");
  const std::string csr = asked["csr"];
  const x509::Request request = x509::Request::parse(csr);
  CHECK(request.public_key() == new_key.public_key());
  CHECK(request.common_name() == "pi-1");
  const std::string signature = from_base64(asked["signature"].get<std::string>());
  CHECK(old_key.public_key().verify(std::string("hivemind/v1\0renew\0"sv) + csr, signature));
  CHECK_FALSE(old_key.public_key().verify(csr, signature));
}

TEST_CASE("a refusal is told in the hub's words, or by its number") {
  CHECK(refusal_text(401, R"({"error": {"code": "denied", "message": "no such token"}})") == "no such token");
  CHECK(refusal_text(502, "<html>") == "status 502");
  CHECK(refusal_text(500, R"({"error": "x"})") == "status 500");
}

TEST_CASE("a broker without a host is at the hub's") {
  CHECK(with_host("mqtts://:8883", "hub.example.org") == "mqtts://hub.example.org:8883");
  CHECK(with_host("mqtts://:8883", "::1") == "mqtts://[::1]:8883");
  CHECK(with_host("mqtts://broker:8883", "hub") == "mqtts://broker:8883");
  CHECK_THROWS_AS(with_host("mqtt://broker:1883", "hub"), Error);
}

TEST_CASE("the hub's clock is read from the Date of its answers") {
  CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == 784'111'777);
  CHECK(parse_http_date("Tue, 19 Jan 2038 03:14:08 GMT") == 2'147'483'648);
  for (const char* text : {"", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 31 Feb 1994 08:49:37 GMT",
                           "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, xx Nov 1994 08:49:37 GMT"}) {
    CHECK_FALSE(parse_http_date(text));
  }
}

}  // namespace
}  // namespace hivemind::agent
