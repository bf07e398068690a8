#include "hub/secrets/vault.h"

#include "common/error.h"
#include "tests/support/catch.h"

using namespace hivemind;
using namespace hivemind::hub;

TEST_CASE("what is closed opens as what it is, under its key, and never looks the same twice") {
  const MasterKey key = MasterKey::generate();
  const Vault vault(key);
  const std::string content("any \0 bytes", 11);
  const std::string box = vault.close(content, "secret a");
  CHECK(box != vault.close(content, "secret a"));
  CHECK(box.find("bytes") == std::string::npos);
  CHECK(vault.open(box, "secret a") == content);
  CHECK(Vault(key).open(box, "secret a") == content);
  CHECK(vault.open(vault.close("", "x"), "x").empty());
  CHECK_THROWS_AS(vault.open(box, "secret b"), Error);
  CHECK_THROWS_AS(Vault(MasterKey::generate()).open(box, "secret a"), Error);
}

TEST_CASE("a flipped bit or a missing end opens nothing") {
  const Vault vault(MasterKey::generate());
  const std::string box = vault.close("hunter2", "a");
  for (std::size_t bit = 0; bit < box.size() * 8; ++bit) {
    std::string flipped = box;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    CHECK_THROWS_AS(vault.open(flipped, "a"), Error);
  }
  for (std::size_t length = 0; length < box.size(); ++length)
    CHECK_THROWS_AS(vault.open(box.substr(0, length), "a"), Error);
}

TEST_CASE("an id changes with name and value, and with the key, and with nothing else") {
  const MasterKey key = MasterKey::generate();
  const Vault vault(key);
  const std::string id = vault.id("DB", "hunter2");
  CHECK(id.size() == 32);
  CHECK(id.find_first_not_of("0123456789abcdef") == std::string::npos);
  CHECK(Vault(key).id("DB", "hunter2") == id);
  CHECK(vault.id("DB", "hunter3") != id);
  CHECK(vault.id("DBh", "unter2") != id);
  CHECK(Vault(MasterKey::generate()).id("DB", "hunter2") != id);
}

TEST_CASE("the key for values in Git is the same for the same master key") {
  const MasterKey key = MasterKey::generate();
  const Vault vault(key);
  CHECK(vault.git_key().seal_key() == Vault(key).git_key().seal_key());
  CHECK(Vault(key).git_key().open(vault.git_key().seal_key().seal("x")) == "x");
  CHECK_FALSE(vault.git_key().seal_key() == Vault(MasterKey::generate()).git_key().seal_key());
}
