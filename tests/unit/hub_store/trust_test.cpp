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
