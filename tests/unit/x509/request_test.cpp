#include "common/error.h"
#include "common/file.h"
#include "common/x509/x509.h"
#include "tests/support/catch.h"
#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;
using namespace hivemind::x509;

TEST_CASE("a request says its name and its key, and reads back") {
  const PrivateKey key = PrivateKey::generate();
  const Request made = Request::make(key, "pi-1");
  const Request read = Request::parse(made.pem());
  CHECK(read.common_name() == "pi-1");
  CHECK(read.public_key() == key.public_key());
  CHECK(read.pem() == made.pem());
  CHECK(Request::parse(Request::make(key, "").pem()).common_name().empty());
}

TEST_CASE("a request that was changed on the way is refused: who asks must have the key") {
  const std::string pem = Request::make(PrivateKey::generate(), "pi-1").pem();
  const std::size_t body = pem.find('\n') + 1;
  int denied = 0;
  for (std::size_t at = body; at < pem.find("-----END") - 4; ++at) {
    std::string changed = pem;
    if (changed[at] == '\n') continue;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    try {
      Request::parse(changed);
      FAIL_CHECK("taken with a change at " << at);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kDenied) ++denied;
    }
  }
  CHECK(denied > 50);  // most changes leave it well-formed
}

TEST_CASE("what is no request, is cut off, or is for a key of another kind is refused") {
  const tests::TemporaryDirectory directory;
  const std::string pem = Request::make(PrivateKey::generate(), "pi-1").pem();
  for (std::size_t length = 0; length + 2 < pem.size(); length += 7)
    CHECK_THROWS_AS(Request::parse(pem.substr(0, length)), Error);
  CHECK_THROWS_AS(Request::parse("hello"), Error);
  const std::string key = directory / "rsa.key", request = directory / "rsa.csr";
  REQUIRE(tests::run({"openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=pi-1",
                      "-keyout", key, "-out", request})
              .exit_code == 0);
  CHECK_THROWS_WITH(Request::parse(read_file(request)), tests::ContainsSubstring("P-256"));
}

TEST_CASE("a request of the openssl program on P-256 is taken") {
  const tests::TemporaryDirectory directory;
  const std::string key = directory / "ec.key", request = directory / "ec.csr";
  REQUIRE(tests::run({"openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                      "-nodes", "-subj", "/O=x/CN=pi-7", "-keyout", key, "-out", request})
              .exit_code == 0);
  CHECK(Request::parse(read_file(request)).common_name() == "pi-7");
}
