#include <sys/stat.h>

#include "common/error.h"
#include "common/file.h"
#include "common/x509/x509.h"
#include "tests/support/catch.h"
#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;
using namespace hivemind::x509;

TEST_CASE("a key reads back from its text, also behind certificates, and no text is a key of another") {
  const PrivateKey key = PrivateKey::generate();
  const Certificate certificate = self_sign(key, {"CA", Purpose::kAuthority, {}, {}, kNever});
  CHECK(PrivateKey::parse(key.pem()).public_key() == key.public_key());
  CHECK(PrivateKey::parse(certificate.pem() + key.pem()).public_key() == key.public_key());
  CHECK(key.public_key().is_p256());
  CHECK_FALSE(PrivateKey::generate().public_key() == key.public_key());
  CHECK(certificate.public_key().fingerprint() == key.public_key().fingerprint());
  const std::string pem = key.pem();
  for (const std::string& text :
       {std::string(), std::string("hello"), certificate.pem(), pem.substr(0, pem.size() / 2)})
    CHECK_THROWS_AS(PrivateKey::parse(text), Error);
}

TEST_CASE("a signature holds for its key and its bytes only") {
  const PrivateKey key = PrivateKey::generate();
  const std::string message("renew \0 me", 10);
  const std::string signature = key.sign(message);
  CHECK(key.public_key().verify(message, signature));
  CHECK_FALSE(key.public_key().verify("renew", signature));
  CHECK_FALSE(PrivateKey::generate().public_key().verify(message, signature));
  CHECK_FALSE(key.public_key().verify(message, ""));
  CHECK_FALSE(key.public_key().verify(message, "not DER"));
  for (std::size_t at = 0; at < signature.size(); ++at) {
    std::string flipped = signature;
    flipped[at] = static_cast<char>(flipped[at] ^ 1);
    CHECK_FALSE(key.public_key().verify(message, flipped));
  }
}

TEST_CASE("a key is loaded from a private file only, and an error never quotes it") {
  const tests::TemporaryDirectory directory;
  const auto file = directory.path() / "client.pem";
  const PrivateKey key = PrivateKey::generate();
  write_file_durably(file, key.pem(), 0600);
  CHECK(PrivateKey::load(file).public_key() == key.public_key());
  ::chmod(file.c_str(), 0640);
  CHECK_THROWS_WITH(PrivateKey::load(file), tests::ContainsSubstring("chmod 600"));
  CHECK_THROWS_AS(PrivateKey::load(directory.path() / "absent"), Error);
  write_file_durably(file, "hunter2", 0600);
  CHECK_THROWS_WITH(PrivateKey::load(file), !tests::ContainsSubstring("hunter2"));
}

TEST_CASE("keys of other kinds, which an authority may have, sign and verify as well") {
  const tests::TemporaryDirectory directory;
  for (const char* kind : {"ED25519", "RSA"}) {
    const std::string file = directory / kind;
    REQUIRE(tests::run({"openssl", "genpkey", "-algorithm", kind, "-out", file}).exit_code == 0);
    const PrivateKey key = PrivateKey::parse(read_file(file));
    CHECK_FALSE(key.public_key().is_p256());
    CHECK(key.public_key().verify("text", key.sign("text")));
    const Certificate authority = self_sign(key, {"CA", Purpose::kAuthority, {}, {}, kNever});
    const Certificate leaf = issue(authority, key, PrivateKey::generate().public_key(),
                                   {"pi-1", Purpose::kClient, {}, {}, kNever});
    CHECK(leaf.is_issued_by(authority));
    CHECK(revoked_serials(authority, revocation_list(authority, key, {leaf.serial()}, 1)) ==
          std::vector{leaf.serial()});
  }
}
