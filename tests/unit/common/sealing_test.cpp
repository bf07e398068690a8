#include "common/sealing.h"

#include <string>
#include <vector>

#include <sys/stat.h>

#include "common/digest.h"
#include "common/error.h"
#include "common/file.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;

TEST_CASE("what is sealed opens with the other half, and never looks the same twice") {
  const OpenKey key = OpenKey::generate();
  const std::string content("any \0 bytes", 11);
  const std::string once = key.seal_key().seal(content), again = key.seal_key().seal(content);
  CHECK(once != again);
  CHECK(key.open(once) == content);
  CHECK(key.open(again) == content);
  CHECK(key.open(key.seal_key().seal("")).empty());
}

TEST_CASE("another key, a flipped bit or a missing end opens nothing") {
  const OpenKey key = OpenKey::generate();
  const std::string sealed = key.seal_key().seal("hunter2");
  CHECK_THROWS_AS(OpenKey::generate().open(sealed), Error);
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    std::string flipped = sealed;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    CHECK_THROWS_AS(key.open(flipped), Error);
  }
  for (std::size_t length = 0; length < sealed.size(); ++length)
    CHECK_THROWS_AS(key.open(sealed.substr(0, length)), Error);
}

TEST_CASE("sealing keys read back from text and file, and only from a private file") {
  const tests::TemporaryDirectory directory;
  const OpenKey key = OpenKey::generate();
  CHECK(SealKey::parse(key.seal_key().text() + "\n") == key.seal_key());
  const auto file = directory.path() / "sealing.key";
  write_file_durably(file, key.secret_text(), 0600);
  CHECK(OpenKey::load(file).seal_key() == key.seal_key());
  CHECK(OpenKey::load(file).open(key.seal_key().seal("x")) == "x");
  ::chmod(file.c_str(), 0640);
  CHECK_THROWS_AS(OpenKey::load(file), Error);
  for (const char* text : {"", "hivemind-x25519 ", "hivemind-x25519 AAAA", "hivemind-ed25519 AAAA"})
    CHECK_THROWS_AS(SealKey::parse(text), Error);
}

TEST_CASE("a seed always makes the same key") {
  const std::string seed(32, 's');
  CHECK(OpenKey::from_seed(seed).seal_key() == OpenKey::from_seed(seed).seal_key());
  CHECK_THROWS_AS(OpenKey::from_seed("short"), Error);
}

TEST_CASE("a key that nothing can be sealed to is none") {
  // Points of low order, RFC 7748 and https://cr.yp.to/ecdh.html.
  const std::vector<std::string> low{std::string(32, '\0'), '\1' + std::string(31, '\0'),
                                     "\xe0\xeb\x7a\x7c\x3b\x41\xb8\xae\x16\x56\xe3\xfa\xf1\x9f\xc4\x6a\xda"
                                     "\x09\x8d\xeb\x9c\x32\xb1\xfd\x86\x62\x05\x16"
                                     "\x5f\x49\xb8" +
                                         std::string(1, '\0'),
                                     "\xec" + std::string(30, '\xff') + "\x7f"};
  for (const std::string& bytes : low) {
    REQUIRE(bytes.size() == 32);
    CHECK_THROWS_AS(SealKey::parse("hivemind-x25519 " + to_base64(bytes)), Error);
  }
}
