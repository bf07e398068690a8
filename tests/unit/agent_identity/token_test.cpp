#include "agent/identity/token.h"

#include "common/digest.h"
#include "common/error.h"
#include "tests/support/catch.h"

namespace hivemind::agent {
namespace {

// SHA-256 of "abc", and its text in base64url.
const std::string kHex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const std::string kLetters = "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0";

TEST_CASE("a token holds the CA's fingerprint, its own id and a secret") {
  REQUIRE(sha256_hex("abc") == kHex);
  const EnrolmentToken token = EnrolmentToken::parse("hm1." + kLetters + ".4f2a9c.s-e_cret");
  CHECK(token.ca_fingerprint == kHex);
  CHECK(token.id == "4f2a9c");
  CHECK(token.credential() == "4f2a9c.s-e_cret");
}

TEST_CASE("what is no token is refused without a word of it") {
  const std::string good = "hm1." + kLetters + ".id.verysecret";
  for (const std::string& text :
       {std::string(), std::string("hm1."), std::string("hm2") + good.substr(3), "hm1." + kLetters,
        "hm1." + kLetters + ".id", "hm1." + kLetters + "..verysecret", "hm1." + kLetters + ".id.",
        "hm1." + kLetters.substr(1) + ".id.verysecret", "hm1.=" + kLetters.substr(1) + ".id.verysecret",
        good + " ", good + ".verysecret", good + std::string(300, 'a'),
        // The last letter's two lowest bits stand for nothing.
        "hm1." + kLetters.substr(0, 42) + "1.id.verysecret"}) {
    CAPTURE(text);
    try {
      EnrolmentToken::parse(text);
      FAIL("was taken");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::kInvalid);
      CHECK(std::string(error.what()).find("verysecret") == std::string::npos);
    }
  }
}

}  // namespace
}  // namespace hivemind::agent
