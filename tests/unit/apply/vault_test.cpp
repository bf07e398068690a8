#include "agent/secrets/vault.h"

#include "common/error.h"
#include "hivemind/v1/manifest.pb.h"
#include "tests/support/catch.h"

using namespace hivemind;
using namespace hivemind::agent;
using hivemind::tests::ContainsSubstring;

namespace {

const std::string kPassword(32, 'a');
const std::string kToken(32, 'b');
const std::string kBinary(32, 'c');

std::string placeholder(const std::string& id) {
  return "@{hivemind-secret:" + id + "}";
}

struct EnrolledNode {
  std::shared_ptr<const OpenKey> key = std::make_shared<const OpenKey>(OpenKey::generate());
  Vault vault{key};

  SealedSecret sealed(const std::string& name, const std::string& value) const {
    return {name, key->seal_key().seal(value)};
  }
};

}  // namespace

TEST_CASE("what was sealed to this node is opened, and is in no text any more that is redacted") {
  EnrolledNode node;
  node.vault.learn({{kPassword, node.sealed("DB_PASSWORD", "correct horse")}});
  CHECK(node.vault.why_not(kPassword).empty());
  CHECK(node.vault.value(kPassword) == "correct horse");
  CHECK(node.vault.redactor()->redact("FATAL: password 'correct horse' refused") ==
        "FATAL: password '***' refused");
}

TEST_CASE("a secret that cannot be had is named, with why, and without what it holds") {
  EnrolledNode node;
  const OpenKey other = OpenKey::generate();
  node.vault.learn({{kToken, {"TOKEN", other.seal_key().seal("planted-value")}}});
  CHECK_THAT(node.vault.why_not(kPassword),
             ContainsSubstring(kPassword) && ContainsSubstring("did not come with the manifest"));
  CHECK_THAT(node.vault.why_not(kToken),
             ContainsSubstring("'TOKEN'") && ContainsSubstring("not sealed to this node's key"));
  CHECK_THAT(node.vault.why_not(kToken), !ContainsSubstring("planted"));
  CHECK_THROWS_AS(node.vault.value(kToken), Error);

  Vault not_enrolled;
  not_enrolled.learn({{kToken, node.sealed("TOKEN", "value")}});
  CHECK_THAT(not_enrolled.why_not(kToken),
             ContainsSubstring("'TOKEN'") && ContainsSubstring("enrol the node"));
}

TEST_CASE("a secret that comes sealed anew is opened although the copy before could not be") {
  EnrolledNode node;
  node.vault.learn({{kToken, {"TOKEN", "nothing sealed"}}});
  CHECK_FALSE(node.vault.why_not(kToken).empty());
  node.vault.learn({{kToken, node.sealed("TOKEN", "value")}});
  CHECK(node.vault.value(kToken) == "value");
}

TEST_CASE("placeholders of the given secrets are filled in, once, and no others") {
  EnrolledNode node;
  node.vault.learn({{kPassword, node.sealed("DB_PASSWORD", "x" + placeholder(kToken))},
                    {kToken, node.sealed("TOKEN", "t0ken")},
                    {kBinary, node.sealed("KEY", std::string("\xff\0z", 3))}});
  const std::set<std::string> both{kPassword, kToken};
  CHECK(node.vault.filled_in("no secret here", &both) == "no secret here");
  CHECK(node.vault.filled_in("a " + placeholder(kToken) + " b " + placeholder(kToken), &both) ==
        "a t0ken b t0ken");
  // What was put in is not looked at again.
  CHECK(node.vault.filled_in(placeholder(kPassword), &both) == "x" + placeholder(kToken));
  const std::set<std::string> one{kToken};
  CHECK_THROWS_WITH(node.vault.filled_in(placeholder(kPassword), &one), ContainsSubstring("not among those"));
  CHECK_THROWS_WITH(node.vault.filled_in("@{hivemind-secret:x", &both), ContainsSubstring("'x'"));
  CHECK_THAT(node.vault.why_no_text(kBinary),
             ContainsSubstring("'KEY'") && ContainsSubstring("as a file only"));
  CHECK_THROWS_AS(node.vault.filled_in(placeholder(kBinary)), Error);
}

TEST_CASE("a hook gets its secrets in its command and its environment") {
  EnrolledNode node;
  node.vault.learn({{kToken, node.sealed("TOKEN", "t0ken")}});
  Hook hook;
  hook.command = {"notify", placeholder(kToken)};
  hook.environment = {"TOKEN=" + placeholder(kToken)};
  const Hook whole = node.vault.filled_in(hook);
  CHECK(whole.command == std::vector<std::string>{"notify", "t0ken"});
  CHECK(whole.environment == std::vector<std::string>{"TOKEN=t0ken"});
}

TEST_CASE("a sealed login is opened for its registry, and its password is redacted") {
  EnrolledNode node;
  v1::RegistryLogin inner;
  inner.set_username("puller");
  inner.set_password("registry-pass");
  const RegistryLogin login{"registry.example.org", "", "", "",
                            node.key->seal_key().seal(inner.SerializeAsString())};
  node.vault.learn_logins({login});
  const RegistryLogin open = node.vault.opened(login);
  CHECK(open.registry == "registry.example.org");
  CHECK(open.username == "puller");
  CHECK(open.password == "registry-pass");
  CHECK(node.vault.redactor()->redact("401 for puller:registry-pass") == "401 for puller:***");
  CHECK_THROWS_WITH(Vault().opened(login),
                    ContainsSubstring("registry.example.org") && ContainsSubstring("enrol the node"));
  CHECK_THROWS_WITH(Vault(std::make_shared<const OpenKey>(OpenKey::generate())).opened(login),
                    ContainsSubstring("registry.example.org"));
}

TEST_CASE("what is needed no more is forgotten") {
  EnrolledNode node;
  node.vault.learn({{kPassword, node.sealed("DB_PASSWORD", "correct horse")},
                    {kToken, node.sealed("TOKEN", "t0ken-value")}});
  node.vault.keep_only({kToken});
  CHECK_FALSE(node.vault.why_not(kPassword).empty());
  CHECK(node.vault.value(kToken) == "t0ken-value");
  CHECK(node.vault.redactor()->redact("correct horse, t0ken-value") == "correct horse, ***");
}
