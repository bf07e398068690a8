#include "hub/enrolment/token.h"

#include <set>

#include "tests/support/catch.h"

using namespace hivemind;
using namespace hivemind::hub;

TEST_CASE("a token names the CA in 43 letters, then its id and its secret, and needs no quotes anywhere") {
  // printf '\x00\x01…\x1f' | basenc --base64url
  std::string fingerprint;
  for (char byte = 0; byte < 32; ++byte) fingerprint += byte;
  CHECK(token_text(fingerprint, {"0a1b", "s3cret"}) ==
        "hm1.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8.0a1b.s3cret");
  const std::string text = token_text(std::string(32, '\xff'), make_credential());
  CHECK(text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
        std::string::npos);
}

TEST_CASE("credentials are random, and read back from what a node shows") {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const TokenCredential made = make_credential();
    CHECK(made.secret.size() == 22);  // 128 bits
    CHECK(seen.insert(made.secret).second);
    const auto read = parse_credential(made.id + "." + made.secret);
    REQUIRE(read);
    CHECK(read->id == made.id);
    CHECK(read->secret == made.secret);
  }
  for (const char* text : {"", ".", "a.", ".b", "ab", "a.b.c", "a b.c", "a.b'", "a.\n"})
    CHECK_FALSE(parse_credential(text));
  CHECK_FALSE(parse_credential("a." + std::string(200, 'b')));
}

TEST_CASE("of a token that somebody gives whole its id is taken, and nothing else is told") {
  const TokenCredential made = make_credential();
  const std::string whole = token_text(std::string(32, '\xff'), made);
  CHECK(token_id_of(whole) == made.id);
  CHECK(token_id_of(made.id) == made.id);
  CHECK(token_id_of(made.id + "." + made.secret) == made.id);
  CHECK(token_id_of(whole.substr(0, whole.size() - 5)) == made.id);
  for (const std::string& other :
       {std::string(), std::string("hm1."), std::string("hm1.x"), std::string("hm1.."), made.secret,
        whole.substr(0, whole.rfind('.') - 1), "hmo1." + made.id + ".x", made.id + "0"})
    CHECK(token_id_of(other).empty());
}
