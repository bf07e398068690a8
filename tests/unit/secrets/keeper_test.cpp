#include <filesystem>

#include "common/digest.h"
#include "common/error.h"
#include "common/file.h"
#include "hub/secrets/secret_keeper.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;
using namespace hivemind::hub;

namespace {

const NodeIdentity kNode{"pi-1", {{"site", "berlin"}}};

// A hub's memory from its start to its end.
struct Run {
  explicit Run(const std::filesystem::path& directory)
      : store(directory), keeper(store, open_master_key(directory / "master.key", store), redactor) {}

  std::string value(const std::string& name, const NodeIdentity& node = kNode) const {
    const auto id = keeper.book({})->find(name, "web", node);
    return id ? keeper.find(*id)->value() : "-";
  }

  Store store;
  Redactor redactor;
  SecretKeeper keeper;
};

std::string all_files(const std::filesystem::path& directory) {
  std::string all;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.is_regular_file()) all += read_file(entry.path());
  }
  return all;
}

}  // namespace

TEST_CASE("a secret is there for whom it was set, also after a restart, and in no file") {
  const tests::TemporaryDirectory directory;
  {
    Run run(directory.path());
    CHECK(run.value("DB") == "-");
    CHECK(run.keeper.set("DB", SecretScope::parse("fleet"), "for-the-whole-fleet", 1000));
    CHECK(run.keeper.set("DB", SecretScope::parse("node:pi-1"), "for-one-node", 2000));
    CHECK(run.value("DB") == "for-one-node");
    CHECK(run.value("DB", {"pi-2", {}}) == "for-the-whole-fleet");
    CHECK_FALSE(run.keeper.set("DB", SecretScope::parse("node:pi-1"), "for-one-node", 3000));
  }
  Run run(directory.path());
  CHECK(run.value("DB") == "for-one-node");
  REQUIRE(run.keeper.secrets().size() == 2);
  CHECK(run.keeper.secrets()[1].updated_at_ms == 2000);
  CHECK(run.keeper.remove("DB", SecretScope::parse("node:pi-1")));
  CHECK_FALSE(run.keeper.remove("DB", SecretScope::parse("node:pi-1")));
  CHECK(run.value("DB") == "for-the-whole-fleet");
  const std::string files = all_files(directory.path());
  for (const char* value : {"for-one-node", "for-the-whole-fleet"})
    CHECK(files.find(value) == std::string::npos);
}

TEST_CASE("an id lasts as long as the value, and a book as long as whoever reads it") {
  const tests::TemporaryDirectory directory;
  Run run(directory.path());
  run.keeper.set("DB", {}, "hunter2", 1);
  const auto before = run.keeper.book({});
  const auto id = before->find("DB", "web", kNode);
  run.keeper.set("DB", {}, "hunter3", 2);
  CHECK(before->find("DB", "web", kNode) == id);
  CHECK(run.keeper.book({})->find("DB", "web", kNode) != id);
  run.keeper.set("DB", {}, "hunter2", 3);
  CHECK(run.keeper.book({})->find("DB", "web", kNode) == id);
}

TEST_CASE("values that releases need stay when they are changed, and go with the releases") {
  const tests::TemporaryDirectory directory;
  Run run(directory.path());
  run.keeper.set("DB", {}, "hunter2", 1);
  const std::string id = run.keeper.book({})->find("DB", "web", kNode).value();
  run.keeper.keep({{id, run.keeper.find(id)}}, {id});
  run.keeper.remove("DB", {});
  REQUIRE(run.keeper.find(id) != nullptr);
  CHECK(run.keeper.find(id)->value() == "hunter2");
  CHECK(run.redactor.redact("hunter2") == "***");
  run.keeper.keep({}, {});
  CHECK(run.keeper.find(id) == nullptr);
  CHECK(run.redactor.redact("hunter2") == "hunter2");
}

TEST_CASE("what is set is taken out of text at once") {
  const tests::TemporaryDirectory directory;
  Run run(directory.path());
  run.keeper.set("DB", {}, "hunter2", 1);
  run.keeper.set_login("ghcr.io", {"me", "pass-word", ""}, 1);
  run.keeper.hide({"of-a-file"});
  CHECK(run.redactor.redact("hunter2 pass-word of-a-file me") == "*** *** *** me");
}

TEST_CASE("logins are kept, told without passwords, and forgotten") {
  const tests::TemporaryDirectory directory;
  {
    Run run(directory.path());
    run.keeper.set_login("ghcr.io", {"me", "pass-word", ""}, 7);
  }
  Run run(directory.path());
  CHECK(all_files(directory.path()).find("pass-word") == std::string::npos);
  REQUIRE(run.keeper.logins().size() == 1);
  CHECK(run.keeper.logins()[0].username == "me");
  CHECK(run.keeper.open_logins().at("ghcr.io").password == "pass-word");
  CHECK(run.keeper.login("ghcr.io")->username == "me");
  CHECK_FALSE(run.keeper.login("docker.io"));
  CHECK(run.keeper.remove_login("ghcr.io"));
  CHECK_FALSE(run.keeper.remove_login("ghcr.io"));
}

TEST_CASE("what cannot be a secret is refused") {
  const tests::TemporaryDirectory directory;
  Run run(directory.path());
  CHECK_THROWS_AS(run.keeper.set("no name", {}, "x", 1), Error);
  CHECK_THROWS_AS(run.keeper.set("DB", {}, "", 1), Error);
  CHECK_THROWS_AS(run.keeper.set("DB", {}, std::string(kMaxSecretBytes + 1, 'x'), 1), Error);
  CHECK(run.keeper.set("DB", {}, std::string(kMaxSecretBytes, 'x'), 1));
}

TEST_CASE("a value sealed for Git opens under its own name and no other") {
  const tests::TemporaryDirectory directory;
  Run run(directory.path());
  const auto book = run.keeper.book({"pi-1"});
  const SealKey key = SealKey::parse(run.keeper.git_key());
  const std::string line = std::string(kSealedPrefix) + to_base64(key.seal(sealed_content("DB", "hunter2")));
  CHECK(book->open("DB", line)->value() == "hunter2");
  CHECK_THROWS_AS(book->open("OTHER", line), Error);
  CHECK_THROWS_AS(book->open("DB", "hunter2"), Error);
  const std::string foreign =
      std::string(kSealedPrefix) + to_base64(OpenKey::generate().seal_key().seal(sealed_content("DB", "x")));
  CHECK_THROWS_AS(book->open("DB", foreign), Error);
  CHECK(book->reaches("pi-1"));
  CHECK_FALSE(book->reaches("pi-2"));
}
