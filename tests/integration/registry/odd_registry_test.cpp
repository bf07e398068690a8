// What registries do that the one of Debian does not.
#include <chrono>
#include <thread>

#include "common/digest.h"
#include "common/file.h"
#include "hub/registry/registry.h"
#include "tests/support/catch.h"
#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;
using namespace hivemind::hub;
using namespace hivemind::tests;
using namespace std::chrono_literals;

namespace {

const Pin kPin{
    "sha256:" +
        sha256_hex(R"({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json"})"),
    {}};

struct Odd {
  Odd() {
    const bool up = wait_until(
        [this] {
          return run({"curl", "-sf", "http://" + host() + "/v2/plain/app/manifests/1"}).exit_code == 0;
        },
        10s);
    if (!up) throw std::runtime_error("the registry does not answer");
  }
  std::string host() const { return "127.0.0.1:" + std::to_string(port); }
  registry::Resolution resolve(const std::string& repository, registry::Options options = {}) const {
    const std::atomic<bool> cancelled{false};
    return registry::Registries(std::move(options))
        .resolve(registry::ImageName::parse(host() + "/" + repository + "/app:1"), nullptr, cancelled);
  }
  Pin pin(const std::string& repository, registry::Options options = {}) const {
    const registry::Resolution resolution = resolve(repository, std::move(options));
    if (const auto* refusal = std::get_if<registry::Refusal>(&resolution)) FAIL(refusal->error.what());
    return std::get<Pin>(resolution);
  }
  registry::Refusal refusal(const std::string& repository, registry::Options options = {}) const {
    const registry::Resolution resolution = resolve(repository, std::move(options));
    REQUIRE(std::holds_alternative<registry::Refusal>(resolution));
    return std::get<registry::Refusal>(resolution);
  }
  registry::Options with_login(const std::string& members) const {
    write_file_durably(directory / "config.json", R"({"auths": {")" + host() + R"(": {)" + members + "}}}",
                       0600);
    return {.credentials = directory / "config.json"};
  }

  TemporaryDirectory directory;
  int port = free_port();
  Process process{{"python3", ODD_REGISTRY, std::to_string(port)}};
};

}  // namespace

TEST_CASE("a token is fetched from where the registry says, for what it says") {
  const Odd odd;
  CHECK(odd.pin("bearer") == kPin);
  CHECK(odd.refusal("private").error.code() == ErrorCode::kDenied);
  CHECK(odd.pin("private", odd.with_login(R"("username": "user", "password": "secret")")) == kPin);
  CHECK(odd.pin("private", odd.with_login(R"("identitytoken": "id+token")")) == kPin);
  CHECK(odd.refusal("private", odd.with_login(R"("username": "user", "password": "no")")).error.code() ==
        ErrorCode::kDenied);
  CHECK(odd.refusal("kerberos").error.code() == ErrorCode::kDenied);
}

TEST_CASE("a form with a login is not sent on to where its answer leads") {
  const Odd odd;
  CHECK(odd.pin("moved_private", odd.with_login(R"("username": "user", "password": "secret")")) == kPin);
  CHECK(odd.refusal("moved_private", odd.with_login(R"("identitytoken": "id+token")")).error.code() ==
        ErrorCode::kUnavailable);
}

TEST_CASE("a login goes to a token service over plain HTTP only where that is allowed") {
  const Odd odd;
  CHECK(odd.refusal("elsewhere").error.code() == ErrorCode::kInvalid);
  CHECK(odd.refusal("misleading").error.code() == ErrorCode::kInvalid);
  CHECK(odd.pin("elsewhere", {.insecure = {"0.0.0.0:" + std::to_string(odd.port)}}) == kPin);
  CHECK(odd.pin("elsewhere", {.insecure = {odd.host()}}) == kPin);
}

TEST_CASE("a registry without HEAD or digest header is asked for the manifest itself") {
  const Odd odd;
  CHECK(odd.pin("bare") == kPin);
}

TEST_CASE("redirections are followed, but not for ever") {
  const Odd odd;
  CHECK(odd.pin("moved") == kPin);
  CHECK(odd.refusal("circle").error.code() == ErrorCode::kUnavailable);
}

TEST_CASE("a registry that has enough says for how long") {
  const Odd odd;
  const registry::Refusal busy = odd.refusal("busy");
  CHECK(busy.error.code() == ErrorCode::kUnavailable);
  CHECK(busy.retry_after == 7s);
  CHECK(odd.refusal("broken").error.code() == ErrorCode::kUnavailable);
  CHECK_THAT(odd.refusal("broken").error.what(), ContainsSubstring("503"));
}

TEST_CASE("what is wrong, too large or too old is not taken") {
  const Odd odd;
  CHECK_THAT(odd.refusal("liar").error.what(), ContainsSubstring("digest"));
  CHECK(odd.refusal("huge").error.code() == ErrorCode::kExhausted);
  CHECK(odd.refusal("old").error.code() == ErrorCode::kInvalid);
}

TEST_CASE("a registry that is slow is given up, and one that nobody waits for any more is left") {
  const Odd odd;
  const auto start = std::chrono::steady_clock::now();
  CHECK(odd.refusal("slow", {.limits = {.total = 300ms}}).error.code() == ErrorCode::kUnavailable);
  CHECK(std::chrono::steady_clock::now() - start < 5s);

  std::atomic<bool> cancelled{false};
  std::jthread canceller([&] {
    std::this_thread::sleep_for(200ms);
    cancelled = true;
  });
  const registry::Registries registries({});
  const auto left =
      registries.resolve(registry::ImageName::parse(odd.host() + "/slow/app:1"), nullptr, cancelled);
  CHECK(std::holds_alternative<registry::Refusal>(left));
  CHECK(std::chrono::steady_clock::now() - start < 10s);
}

TEST_CASE("plain HTTP is spoken only where that is allowed") {
  const Odd odd;
  const std::atomic<bool> cancelled{false};
  registry::Transfer transfer({}, cancelled);
  registry::Exchange exchange{.url = "http://" + odd.host() + "/v2/plain/app/manifests/1"};
  CHECK_THROWS_AS(transfer.perform(exchange), Error);
  exchange.plain = registry::Plain::kAllowed;
  CHECK(transfer.perform(exchange).status == 200);
}
