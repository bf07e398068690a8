// Tags are resolved by a real registry.
#include "tests/support/docker_registry.h"

#include "common/digest.h"
#include "common/file.h"
#include "hub/registry/registry.h"
#include "tests/support/catch.h"

using namespace hivemind;
using namespace hivemind::hub;
using namespace hivemind::tests;

namespace {

registry::Resolution resolve(const std::string& reference, const registry::Options& options = {},
                             const Pin* known = nullptr) {
  const std::atomic<bool> cancelled{false};
  return registry::Registries(options).resolve(registry::ImageName::parse(reference), known, cancelled);
}

Pin pin(const registry::Resolution& resolution) {
  if (const auto* refusal = std::get_if<registry::Refusal>(&resolution)) FAIL(refusal->error.what());
  return std::get<Pin>(resolution);
}

Error error(const registry::Resolution& resolution) {
  REQUIRE(std::holds_alternative<registry::Refusal>(resolution));
  return std::get<registry::Refusal>(resolution).error;
}

bool skipped() {
  if (DockerRegistry::is_installed()) return false;
  WARN("skipped: docker-registry is not installed");
  return true;
}

}  // namespace

TEST_CASE("a tag is the digest that it has now") {
  if (skipped()) return;
  DockerRegistry server;
  const std::string reference = server.host() + "/team/app:1";
  const std::string first = server.push("team/app", "1", "first");
  CHECK(pin(resolve(reference)) == Pin{first, {}});
  const std::string second = server.push("team/app", "1", "second");
  REQUIRE(first != second);
  CHECK(pin(resolve(reference)) == Pin{second, {}});
}

TEST_CASE("an index is one digest for all its platforms") {
  if (skipped()) return;
  DockerRegistry server;
  const std::string digest = server.push_index(
      "app", "latest", {"linux/arm64/v8", "linux/amd64", "linux/arm/v7", "unknown/unknown"});
  const Pin index{digest, {"linux/amd64", "linux/arm/v7", "linux/arm64/v8"}};
  CHECK(pin(resolve(server.host() + "/app")) == index);
  CHECK(pin(resolve(server.host() + "/app", {}, &index)) == index);
}

TEST_CASE("a tag or repository that is not there is not found") {
  if (skipped()) return;
  DockerRegistry server;
  server.push("app", "1", "x");
  for (const char* absent : {"/app:2", "/other:1"}) {
    const Error why = error(resolve(server.host() + absent));
    CHECK(why.code() == ErrorCode::kNotFound);
    CHECK_THAT(why.what(), ContainsSubstring("it has no '"));
  }
}

TEST_CASE("a registry with logins is asked with the one of the file") {
  if (skipped()) return;
  DockerRegistry server(DockerRegistry::Access::kLogin);
  const std::string digest = server.push("app", "1", "x");
  const TemporaryDirectory directory;
  const auto with_login = [&](const std::string& plain) {
    write_file_durably(directory / "config.json",
                       R"({"auths": {")" + server.host() + R"(": {"auth": ")" + to_base64(plain) + R"("}}})",
                       0600);
    return registry::Options{.credentials = directory / "config.json"};
  };
  const std::string reference = server.host() + "/app:1";
  CHECK(pin(resolve(reference, with_login("user:secret"))).digest == digest);

  const Error wrong = error(resolve(reference, with_login("user:wrong-password")));
  CHECK(wrong.code() == ErrorCode::kDenied);
  CHECK(std::string(wrong.what()).find("wrong-password") == std::string::npos);
  const Error none = error(resolve(reference));
  CHECK(none.code() == ErrorCode::kDenied);
  CHECK_THAT(none.what(), ContainsSubstring("registry.credentials"));
}

TEST_CASE("a registry that is down is unavailable, until it is up") {
  if (skipped()) return;
  DockerRegistry server;
  const std::string digest = server.push("app", "1", "x");
  server.stop();
  CHECK(error(resolve(server.host() + "/app:1")).code() == ErrorCode::kUnavailable);
  server.start();
  CHECK(pin(resolve(server.host() + "/app:1")).digest == digest);
}
