#include <sys/stat.h>

#include "common/error.h"
#include "common/file.h"
#include "hub/trust/identity.h"
#include "hub/trust/token.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;
using namespace hivemind::hub;

namespace {

unsigned mode_of(const std::filesystem::path& file) {
  struct stat status {};
  REQUIRE(::stat(file.c_str(), &status) == 0);
  return status.st_mode & 0777;
}

}  // namespace

TEST_CASE("a hub keeps its key, which only it can read, and shows the public half") {
  const tests::TemporaryDirectory directory;
  const std::string id = Identity(directory.path()).hub_id();
  CHECK(Identity(directory.path()).hub_id() == id);
  CHECK(mode_of(directory / "signing.key") == 0600);
  CHECK(mode_of(directory / "hub.pub") == 0644);
  CHECK(VerifyKey::load(directory / "hub.pub").id() == id);
}

TEST_CASE("a public half that was lost or changed is written again") {
  const tests::TemporaryDirectory directory;
  const Identity identity(directory.path());
  write_file_durably(directory / "hub.pub", "something else", 0644);
  const Identity again(directory.path());
  CHECK(VerifyKey::load(directory / "hub.pub") == identity.key().verify_key());
}

TEST_CASE("a rotation lasts, keeps the hub's id, and its envelopes lead from the first key to the newest") {
  const tests::TemporaryDirectory directory;
  Identity identity(directory.path(), 1000);
  const VerifyKey first = identity.key().verify_key();
  const std::string id = identity.hub_id();
  identity.rotate(2000);
  identity.rotate(3000);
  const Identity again(directory.path(), 9000);
  CHECK(again.hub_id() == id);
  CHECK(again.key().verify_key() == identity.key().verify_key());
  CHECK(mode_of(directory / "signing.key") == 0600);
  CHECK(VerifyKey::load(directory / "hub.pub") == again.key().verify_key());
  std::vector<std::int64_t> made;
  for (const KeyRecord& record : again.history()) made.push_back(record.made_at_ms);
  CHECK(made == std::vector<std::int64_t>{1000, 2000, 3000});
  const std::vector<VerifyKey> way =
      successors(first, kManifestKind, again.signer().seal(kManifestKind, "payload"));
  REQUIRE(way.size() == 2);
  CHECK(way.back() == again.key().verify_key());
}

TEST_CASE("a signing key of before there were rotations is read, and can be rotated") {
  const tests::TemporaryDirectory directory;
  const SigningKey old = SigningKey::generate();
  write_file_durably(directory / "signing.key", old.secret_text(), 0600);
  Identity identity(directory.path(), 5000);
  CHECK(identity.key().verify_key() == old.verify_key());
  CHECK(identity.history().front().made_at_ms == 0);
  identity.rotate(6000);
  const Identity again(directory.path());
  CHECK(successors(old.verify_key(), kCommandKind, again.signer().seal(kCommandKind, "x")).size() == 1);
}

TEST_CASE("a rotation that cannot be written changes nothing") {
  const tests::TemporaryDirectory directory;
  Identity identity(directory.path());
  const VerifyKey before = identity.key().verify_key();
  std::filesystem::create_directories(directory / "signing.key.new" / "in the way");
  CHECK_THROWS_AS(identity.rotate(1000), Error);
  CHECK(identity.key().verify_key() == before);
  CHECK(identity.signer().successions().empty());
  CHECK(Identity(directory.path()).key().verify_key() == before);
}

TEST_CASE("a signing key that others can read, or that is damaged, is refused and not quoted") {
  const tests::TemporaryDirectory directory;
  { const Identity made(directory.path()); }
  REQUIRE(::chmod((directory / "signing.key").c_str(), 0644) == 0);
  CHECK_THROWS_WITH(Identity(directory.path()), tests::ContainsSubstring("chmod 600"));
  for (const char* text : {"c2VjcmV0", "c2VjcmV0\nAAAA 1 -\n", ""}) {
    write_file_durably(directory / "signing.key", text, 0600);
    CHECK_THROWS_WITH(Identity(directory.path()), tests::ContainsSubstring("holds no signing key") &&
                                                      !tests::ContainsSubstring("c2VjcmV0"));
  }
}

TEST_CASE("a key file whose last line is not its secret's is refused") {
  const tests::TemporaryDirectory directory;
  { const Identity made(directory.path()); }
  std::string text = read_file(directory / "signing.key");
  text.replace(0, text.find('\n') + 1, SigningKey::generate().secret_text());
  write_file_durably(directory / "signing.key", text, 0600);
  CHECK_THROWS_AS(Identity(directory.path()), Error);
}

TEST_CASE("the API token is random, private and lasts") {
  const tests::TemporaryDirectory directory;
  const ApiToken token = ApiToken::load_or_create(directory / "admin.token");
  CHECK(mode_of(directory / "admin.token") == 0600);
  std::string text = read_file(directory / "admin.token");
  REQUIRE(text.size() == 65);
  text.pop_back();
  CHECK(token.matches(text));
  CHECK(ApiToken::load_or_create(directory / "admin.token").matches(text));
  CHECK_FALSE(token.matches(""));
  CHECK_FALSE(token.matches(text.substr(1)));
  text[0] = text[0] == '0' ? '1' : '0';
  CHECK_FALSE(token.matches(text));
}

TEST_CASE("a token file that others can read or that holds something else is refused") {
  const tests::TemporaryDirectory directory;
  write_file_durably(directory / "open", std::string(64, 'a') + "\n", 0644);
  CHECK_THROWS_AS(ApiToken::load_or_create(directory / "open"), Error);
  write_file_durably(directory / "short", "secret\n", 0600);
  CHECK_THROWS_AS(ApiToken::load_or_create(directory / "short"), Error);
}
