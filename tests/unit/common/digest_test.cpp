#include "common/digest.h"

#include "common/error.h"
#include "tests/support/catch.h"

using namespace hivemind;

TEST_CASE("SHA-256 of known inputs is that of FIPS 180-4") {
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("Base64 of any bytes reads back as those bytes") {
  for (const std::string& bytes : {std::string(), std::string("a"), std::string("ab"), std::string("abc"),
                                   std::string("\x00\xff\x10", 3), std::string(1000, '\x7f')}) {
    CHECK(from_base64(to_base64(bytes)) == bytes);
  }
}

TEST_CASE("what is not Base64 is refused") {
  for (const char* text : {"a", "ab=", "ab c", "ab==x", "*bcd"}) CHECK_THROWS_AS(from_base64(text), Error);
}

TEST_CASE("random hex has the length asked for and differs each time") {
  CHECK(random_hex(16).size() == 32);
  CHECK(random_hex(16) != random_hex(16));
}

TEST_CASE("bytes are the same when all of them are") {
  const std::string digest = sha256_hex("secret");
  CHECK(same_bytes(digest, sha256_hex("secret")));
  CHECK(same_bytes("", ""));
  CHECK_FALSE(same_bytes(digest, sha256_hex("Secret")));
  CHECK_FALSE(same_bytes(digest, digest.substr(1)));
  CHECK_FALSE(same_bytes(digest, ""));
}

TEST_CASE("hex of any bytes reads back as those bytes, and nothing else is taken for hex") {
  for (const std::string& bytes : {std::string(), std::string("a"), std::string("\x00\xff\x10", 3)})
    CHECK(from_hex(to_hex(bytes)) == bytes);
  CHECK(from_hex("00fF") == std::string("\x00\xff", 2));
  for (const char* text : {"0", "0g", "00 ", "000", "0x00"}) CHECK_THROWS_AS(from_hex(text), Error);
}
