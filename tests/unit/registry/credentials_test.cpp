#include "hub/registry/credentials.h"

#include <filesystem>

#include "common/error.h"
#include "common/file.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;
using namespace hivemind::hub::registry;
using tests::ContainsSubstring;

namespace {

// "dXNlcjpzZWNyZXQ6MQ==" is "user:secret:1".
constexpr const char* kFile = R"({"auths": {
  "https://index.docker.io/v1/": {"auth": "dXNlcjpzZWNyZXQ6MQ=="},
  "127.0.0.1:5000": {"username": "me", "password": "mine"},
  "azure.example": {"identitytoken": "tok"},
  "helper.example": {}
}, "credsStore": "pass"})";

std::string refusal(const std::string& text) {
  try {
    Credentials::parse(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("logins are found as docker writes them") {
  const Credentials credentials = Credentials::parse(kFile);
  const Login* const hub = credentials.find("docker.io");
  REQUIRE(hub != nullptr);
  CHECK(hub->username == "user");
  CHECK(hub->password == "secret:1");
  CHECK(credentials.find("127.0.0.1:5000")->password == "mine");
  CHECK(credentials.find("azure.example")->identity_token == "tok");
  CHECK(credentials.find("helper.example") == nullptr);
  CHECK(credentials.find("127.0.0.1") == nullptr);
  CHECK(Credentials::parse("{}").find("docker.io") == nullptr);
}

TEST_CASE("what is wrong with the file is said without what is in it") {
  CHECK_THAT(refusal("{\"auths\": {\"x\": {\"auth\": \"not base64!\"}}}"), ContainsSubstring("'x'"));
  CHECK(refusal("{\"auths\": {\"x\": {\"auth\": \"not base64!\"}}}").find("not base64") == std::string::npos);
  CHECK_THAT(refusal("{\"auths\": {\"x\": {\"auth\": \"c2VjcmV0\"}}}"), ContainsSubstring("user:password"));
  CHECK(refusal("secret").find("secret") == std::string::npos);
  CHECK_FALSE(refusal("[]").empty());
  CHECK_FALSE(refusal("{\"auths\": []}").empty());
}

TEST_CASE("a file that others can read is refused") {
  const tests::TemporaryDirectory directory;
  const auto file = directory / "config.json";
  write_file_durably(file, kFile, 0600);
  CHECK(Credentials::load(file).find("docker.io") != nullptr);
  std::filesystem::permissions(file, std::filesystem::perms::others_read, std::filesystem::perm_options::add);
  try {
    Credentials::load(file);
    FAIL("it was taken");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kDenied);
    CHECK_THAT(error.what(), ContainsSubstring("chmod"));
  }
  CHECK_THROWS_AS(Credentials::load(directory / "absent"), Error);
}
