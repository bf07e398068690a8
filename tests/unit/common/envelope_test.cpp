#include "common/envelope.h"

#include <sys/stat.h>

#include "common/error.h"
#include "common/file.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;
using hivemind::tests::ContainsSubstring;
using hivemind::tests::TemporaryDirectory;

namespace {

ErrorCode refusal(const VerifyKey& key, std::string_view kind, const std::string& envelope) {
  try {
    open_envelope(key, kind, envelope);
  } catch (const Error& error) {
    return error.code();
  }
  FAIL("the envelope was accepted");
  return ErrorCode::kInternal;
}

}  // namespace

TEST_CASE("a sealed envelope opens with the signer's key and gives the payload back") {
  const SigningKey key = SigningKey::generate();
  const std::string payload("any \0 bytes", 11);
  CHECK(open_envelope(key.verify_key(), kManifestKind, seal_envelope(key, kManifestKind, payload)) ==
        payload);
}

TEST_CASE("an envelope of another key is refused") {
  const SigningKey ours = SigningKey::generate();
  const SigningKey other = SigningKey::generate();
  CHECK(refusal(ours.verify_key(), kManifestKind, seal_envelope(other, kManifestKind, "x")) ==
        ErrorCode::kDenied);
}

TEST_CASE("an envelope of another kind is refused") {
  const SigningKey key = SigningKey::generate();
  CHECK(refusal(key.verify_key(), kManifestKind, seal_envelope(key, "command", "x")) == ErrorCode::kDenied);
}

TEST_CASE("no single flipped bit and no truncation of an envelope is accepted") {
  const SigningKey key = SigningKey::generate();
  const std::string whole = seal_envelope(key, kManifestKind, "payload");
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    CHECK_THROWS_AS(open_envelope(key.verify_key(), kManifestKind, flipped), Error);
  }
  for (std::size_t length = 0; length < whole.size(); ++length) {
    CHECK_THROWS_AS(open_envelope(key.verify_key(), kManifestKind, whole.substr(0, length)), Error);
  }
}

TEST_CASE("a public key reads back from its text form") {
  const SigningKey key = SigningKey::generate();
  CHECK(VerifyKey::parse(key.verify_key().text()) == key.verify_key());
  CHECK(key.verify_key().id().size() == 16);
}

TEST_CASE("what is no public key is refused") {
  for (const char* text : {"", "hivemind-ed25519 ", "hivemind-ed25519 AAAA", "ssh-ed25519 AAAA"}) {
    CHECK_THROWS_AS(VerifyKey::parse(text), Error);
  }
}

TEST_CASE("a signing key is made once, kept private and read back") {
  const TemporaryDirectory directory;
  const auto file = directory / "signing.key";
  const VerifyKey made = SigningKey::load_or_create(file).verify_key();
  struct stat status {};
  REQUIRE(::stat(file.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  CHECK(SigningKey::load_or_create(file).verify_key() == made);
}

TEST_CASE("a signing key that others can read is refused") {
  const TemporaryDirectory directory;
  SigningKey::load_or_create(directory / "signing.key");
  REQUIRE(::chmod((directory / "signing.key").c_str(), 0644) == 0);
  CHECK_THROWS_WITH(SigningKey::load_or_create(directory / "signing.key"), ContainsSubstring("chmod 600"));
}

TEST_CASE("a damaged signing key is an error, not a new key, and is not quoted") {
  const TemporaryDirectory directory;
  write_file_durably(directory / "signing.key", "c2VjcmV0", 0600);
  CHECK_THROWS_WITH(SigningKey::load_or_create(directory / "signing.key"), !ContainsSubstring("c2VjcmV0"));
}
