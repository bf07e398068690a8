#include "hub/publisher.h"

#include "common/error.h"
#include "common/file.h"
#include "hivemind/v1/envelope.pb.h"
#include "hub/store/schema.h"
#include "hub/trust/identity.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;
using namespace hivemind::hub;

namespace {

using Nodes = std::map<std::string, std::vector<Assignment>>;

ReleasePtr release(const std::string& stack, const std::string& digest) {
  auto compiled = std::make_shared<CompiledRelease>();
  compiled->release.set_stack(stack);
  compiled->release.set_digest(digest);
  return compiled;
}

Compilation compilation(const std::string& revision, Nodes nodes) {
  Compilation result;
  result.revision = revision;
  result.valid = true;
  result.nodes = std::move(nodes);
  return result;
}

// A hub's memory from its start to its end; another one on the same directory is the hub after a crash.
struct Run {
  explicit Run(const std::filesystem::path& directory, const std::filesystem::path& credentials = {},
               const std::vector<std::string>& revoked = {})
      : store(directory),
        identity(directory),
        secrets(store, open_master_key(directory / "master.key", store), redactor),
        publisher(
            store, identity.signer(), inventory, delivery, secrets,
            [this](const std::string& node) {
              const auto found = sealing_keys.find(node);
              return found == sealing_keys.end() ? std::nullopt : std::optional(found->second);
            },
            credentials) {
    for (const std::string& node : revoked) inventory.node(node).membership = Membership::kRevoked;
    publisher.load();
  }

  Store store;
  Redactor redactor;
  std::map<std::string, SealKey> sealing_keys;  // of the nodes that are enrolled
  Inventory inventory;
  std::vector<std::string> sent;
  Identity identity;
  Delivery delivery{{[this](const std::string& node) { return store.envelope(node); },
                     [this](const std::string& node, std::string envelope, std::function<void()>) {
                       v1::Manifest manifest;
                       if (envelope.empty()) return true;  // one that is taken away
                       v1::Envelope sealed;                // by whichever key was in force
                       sealed.ParseFromString(envelope);
                       manifest.ParseFromString(sealed.payload());
                       sent.push_back(node + "@" + std::to_string(manifest.generation()));
                       return true;
                     },
                     [](const std::string&, std::uint64_t) {}}};
  SecretKeeper secrets;
  Publisher publisher;

  v1::Manifest manifest(const std::string& node) {
    v1::Manifest newest;
    newest.ParseFromString(open_envelope(identity.key().verify_key(), kManifestKind, store.envelope(node)));
    return newest;
  }

  std::vector<std::string> act(const std::string& revision, Nodes nodes) {
    return publisher.act_on(compilation(revision, std::move(nodes)), Emptying::kHold, 1000).published;
  }
};

using Strings = std::vector<std::string>;

// "registry=user:password " of the newest manifest.
std::string logins_of(Run& run, const std::string& node) {
  v1::Manifest manifest;
  manifest.ParseFromString(
      open_envelope(run.identity.key().verify_key(), kManifestKind, run.store.envelope(node)));
  std::string text;
  for (const v1::RegistryLogin& login : manifest.registry_logins())
    text += login.registry() + "=" + login.username() + ":" + login.password() + " ";
  return text;
}

}  // namespace

TEST_CASE("a revision is stored, shown and sent, and the next one only where it changes something") {
  const tests::TemporaryDirectory directory;
  Run run(directory.path());
  run.delivery.up();
  CHECK(run.act("r1", {{"a", {{"web", release("web", "d1")}}}, {"b", {}}}) == Strings{"a", "b"});
  CHECK(run.sent == Strings{"a@1", "b@1"});
  CHECK(run.inventory.find("a")->desired == ManifestPosition{1, "r1"});
  CHECK(run.inventory.find("a")->stacks.at("web") == AssignedRelease{"d1", "r1"});
  CHECK(run.act("r2", {{"a", {{"web", release("web", "d1")}}}, {"b", {{"web", release("web", "d1")}}}}) ==
        Strings{"b"});
  CHECK(run.inventory.find("a")->desired == ManifestPosition{1, "r1"});
  CHECK(run.inventory.find("b")->desired == ManifestPosition{2, "r2"});
  CHECK(run.store.acted_revision() == "r2");
}

TEST_CASE("after a crash the same revision changes nothing, and what was not acknowledged is sent") {
  const tests::TemporaryDirectory directory;
  const Nodes nodes{{"a", {{"web", release("web", "d1")}}}};
  Run(directory.path()).act("r1", nodes);
  Run run(directory.path());
  CHECK(run.inventory.find("a")->desired == ManifestPosition{1, "r1"});
  CHECK(run.act("r1", nodes).empty());
  CHECK(run.store.manifests().front().generation == 1);
}

TEST_CASE("a revision that empties every node is held until that is allowed") {
  const tests::TemporaryDirectory directory;
  Run run(directory.path());
  run.act("r1", {{"a", {{"web", release("web", "d1")}}}});
  const Compilation empty = compilation("r2", {{"a", {}}});
  CHECK(run.publisher.act_on(empty, Emptying::kHold, 1000).result == Acted::Result::kHeld);
  CHECK(run.inventory.find("a")->stacks.size() == 1);
  CHECK(run.store.acted_revision() == "r1");
  CHECK(run.publisher.act_on(empty, Emptying::kAllow, 1000).published == Strings{"a"});
  CHECK(run.inventory.find("a")->stacks.empty());
}

TEST_CASE("a revision that cannot be stored changes nothing and can be acted on later") {
  const tests::TemporaryDirectory directory;
  Run run(directory.path());
  run.delivery.up();
  run.act("r1", {{"a", {{"web", release("web", "d1")}}}});
  sqlite::Database other(directory / "hub.db", sqlite::Durability::kNormal, store_migrations());
  other.run("CREATE TRIGGER fails BEFORE UPDATE ON manifests BEGIN SELECT RAISE(ABORT, 'no'); END");
  const Nodes next{{"a", {{"web", release("web", "d2")}}}};
  CHECK_THROWS_AS(run.act("r2", next), Error);
  CHECK(run.inventory.find("a")->desired == ManifestPosition{1, "r1"});
  CHECK(run.sent == Strings{"a@1"});
  other.run("DROP TRIGGER fails");
  CHECK(run.act("r2", next) == Strings{"a"});
  CHECK(run.sent == Strings{"a@1", "a@2"});
}

TEST_CASE("a hub that finds a node ahead of its counter goes on above it") {
  const tests::TemporaryDirectory directory;
  Run run(directory.path());
  run.delivery.up();
  run.act("r1", {{"a", {{"web", release("web", "d1")}}}});
  CHECK_FALSE(run.publisher.note_generation("a", 1));
  CHECK(run.publisher.note_generation("a", 41));
  CHECK_FALSE(run.publisher.note_generation("a", 41));
  CHECK(run.publisher.reissue(1000) == Strings{"a"});
  CHECK(run.publisher.reissue(1000).empty());
  CHECK(run.sent == Strings{"a@1", "a@42"});
  CHECK(run.inventory.find("a")->stacks.size() == 1);
  CHECK(run.store.acted_revision() == "r1");
}

TEST_CASE("the first manifest of a node that came from elsewhere is above what it has") {
  const tests::TemporaryDirectory directory;
  Run run(directory.path());
  run.delivery.up();
  CHECK(run.publisher.note_generation("a", 7));
  CHECK(run.publisher.reissue(1000).empty());
  run.act("r1", {{"a", {}}});
  CHECK(run.sent == Strings{"a@8"});
}

TEST_CASE("another manifest of the newest generation is numbered above, once") {
  const tests::TemporaryDirectory directory;
  Run run(directory.path());
  run.delivery.up();
  run.act("r1", {{"a", {{"web", release("web", "d1")}}}});
  CHECK_FALSE(run.publisher.note_double("b"));
  CHECK(run.publisher.note_double("a"));
  CHECK_FALSE(run.publisher.note_double("a"));
  CHECK(run.publisher.reissue(1000) == Strings{"a"});
  CHECK(run.sent == Strings{"a@1", "a@2"});
}

TEST_CASE("a new key signs all manifests anew, as they are, also when the hub ended in between") {
  const tests::TemporaryDirectory directory;
  VerifyKey first;
  {
    Run run(directory.path());
    run.act("r1", {{"a", {{"web", release("web", "d1")}}}, {"b", {}}});
    CHECK_FALSE(run.publisher.is_outdated());
    first = run.identity.key().verify_key();
    run.identity.rotate(1000);
  }
  Run run(directory.path());
  CHECK(run.publisher.is_outdated());
  run.delivery.up();
  CHECK(run.publisher.sign_anew(2000) == Strings{"a", "b"});
  CHECK(run.sent == Strings{"a@1", "b@1", "a@2", "b@2"});
  CHECK(run.inventory.find("a")->stacks.size() == 1);
  CHECK(run.store.acted_revision() == "r1");
  CHECK(successors(first, kManifestKind, run.store.envelope("a")).size() == 1);
  CHECK_FALSE(run.publisher.is_outdated());
  CHECK_FALSE(Run(directory.path()).publisher.is_outdated());
}

TEST_CASE("a generation that no hub can have reached is not believed") {
  const tests::TemporaryDirectory directory;
  Run run(directory.path());
  CHECK_FALSE(run.publisher.note_generation("a", UINT64_MAX));
  CHECK_FALSE(run.publisher.note_generation("a", std::uint64_t{1} << 53));
}

TEST_CASE(
    "a node is given the logins of the registries that it pulls from, and a new manifest when they change") {
  const tests::TemporaryDirectory directory;
  const auto credentials = directory / "logins.json";
  const auto write = [&](const std::string& auths) {
    write_file_durably(credentials, "{\"auths\":{" + auths + "}}", 0600);
  };
  const auto of = [](const std::string& image) {
    auto compiled = std::make_shared<CompiledRelease>();
    compiled->release.set_stack("web");
    compiled->release.set_digest("d-" + image);
    compiled->release.add_services()->set_image(image);
    return ReleasePtr(compiled);
  };
  const Nodes nodes{{"a", {{"web", of("reg:5000/x@sha256:" + std::string(64, '0'))}}},
                    {"b", {{"web", of("nginx")}}},
                    {"c", {{"web", of("other.example/y:1")}}}};
  const std::string one = R"("reg:5000":{"username":"u","password":"p"})";
  write(one + R"(,"unused.example":{"username":"x","password":"y"})");
  {
    Run run(directory.path(), credentials);
    CHECK(run.act("r1", nodes) == Strings{"a", "b", "c"});
    CHECK(logins_of(run, "a") == "reg:5000=u:p ");
    CHECK(logins_of(run, "b").empty());
    CHECK(run.act("r2", nodes).empty());
  }
  {
    Run run(directory.path(), credentials);
    CHECK(run.act("r3", nodes).empty());
    write(one + R"(,"https://index.docker.io/v1/":{"auth":"aDpq"})");
    CHECK(run.act("r4", nodes) == Strings{"b"});
    CHECK(logins_of(run, "b") == "docker.io=h:j ");
    // A file that cannot be read takes no login away.
    write_file_durably(credentials, "{", 0600);
    CHECK(run.act("r5", nodes).empty());
  }
  Run blind(directory.path(), credentials);
  CHECK(blind.act("r5", nodes).empty());
  Nodes other = nodes;
  other["b"] = {{"web", of("nginx:2")}};
  CHECK(blind.act("r5", other) == Strings{"b"});
  CHECK(logins_of(blind, "b") == "docker.io=h:j ");
  CHECK(blind.act("r5", nodes) == Strings{"b"});
  write("");
  CHECK(blind.act("r6", nodes) == Strings{"a", "b"});
  CHECK(logins_of(blind, "a").empty());
}

TEST_CASE("a revoked node gets no manifest, also after a crash, and counts on when it is a node again") {
  const tests::TemporaryDirectory directory;
  const Nodes nodes{{"a", {{"web", release("web", "d1")}}}, {"b", {{"web", release("web", "d1")}}}};
  {
    Run run(directory.path());
    run.delivery.up();
    run.act("r1", nodes);
    run.inventory.node("a").membership = Membership::kRevoked;
    run.publisher.withdraw("a");
    CHECK(run.inventory.find("a")->stacks.empty());
    CHECK(run.act("r2", nodes).empty());
  }
  Run again(directory.path(), {}, {"a"});
  CHECK(again.inventory.find("a")->stacks.empty());
  CHECK(again.act("r3", nodes).empty());
  again.inventory.node("a").membership = Membership::kEnrolled;
  CHECK(again.act("r4", nodes) == Strings{"a"});
  CHECK(again.inventory.find("a")->desired == ManifestPosition{2, "r4"});
}

namespace {

// A release of one service whose body holds the secret.
ReleasePtr release_with(const std::string& digest, const std::string& id, SecretValues own = {}) {
  auto compiled = std::make_shared<CompiledRelease>();
  compiled->release.set_stack("web");
  compiled->release.set_digest(digest);
  compiled->release.add_services()->add_secrets(id);
  compiled->secrets = std::move(own);
  return compiled;
}

// "name=value " of the node's newest manifest, opened with its key.
std::string secrets_of(Run& run, const std::string& node, const OpenKey& key) {
  std::string text;
  const v1::Manifest manifest = run.manifest(node);
  for (const v1::SealedSecret& secret : manifest.secrets())
    text += secret.name() + "=" + key.open(secret.sealed()) + " ";
  return text;
}

std::string set_secret(Run& run, const std::string& value) {
  run.secrets.set("DB", {}, value, 1);
  return run.secrets.book({})->find("DB", "web", {"a", {}}).value();
}

}  // namespace

TEST_CASE("secrets are sealed to the one node, and stay readable for as long as a release needs them") {
  const tests::TemporaryDirectory directory;
  const OpenKey key = OpenKey::generate();
  std::string id, sealed;
  {
    Run run(directory.path());
    run.sealing_keys.emplace("a", key.seal_key());
    id = set_secret(run, "hunter2");
    run.act("r1", {{"a", {{"web", release_with("d1", id)}}}});
    CHECK(secrets_of(run, "a", key) == "DB=hunter2 ");
    CHECK_THROWS_AS(OpenKey::generate().open(run.manifest("a").secrets(0).sealed()), Error);
    sealed = run.manifest("a").secrets(0).sealed();
    set_secret(run, "hunter3");  // what runs still needs the old one
  }
  Run run(directory.path());
  run.sealing_keys.emplace("a", key.seal_key());
  CHECK(run.act("r2", {{"a", {{"web", release_with("d1", id)}, {"db", release("db", "d2")}}}}) ==
        Strings{"a"});
  CHECK(secrets_of(run, "a", key) == "DB=hunter2 ");
  CHECK(run.manifest("a").secrets(0).sealed() == sealed);  // what has not changed is not sealed anew
  CHECK(run.redactor.redact("hunter2 hunter3") == "*** ***");
  run.act("r3", {{"a", {{"db", release("db", "d2")}}}});
  CHECK(run.manifest("a").secrets_size() == 0);
  CHECK(run.redactor.redact("hunter2 hunter3") == "hunter2 ***");
}

TEST_CASE("values of the repository are stored encrypted with the release that brought them") {
  const tests::TemporaryDirectory directory;
  const OpenKey key = OpenKey::generate();
  const auto secret = std::make_shared<const Secret>("file", "of-the-repository");
  {
    Run run(directory.path());
    run.sealing_keys.emplace("a", key.seal_key());
    run.act("r1", {{"a", {{"web", release_with("d1", "1f", {{"1f", secret}})}}}});
    CHECK(secrets_of(run, "a", key) == "file=of-the-repository ");
  }
  for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
    INFO(entry.path());
    CHECK(read_file(entry.path()).find("of-the-repository") == std::string::npos);
  }
  Run run(directory.path());
  run.sealing_keys.emplace("a", key.seal_key());
  run.act("r2", {{"a", {{"web", release_with("d1", "1f")}, {"db", release("db", "d2")}}}});
  CHECK(secrets_of(run, "a", key) == "file=of-the-repository ");
}

TEST_CASE("a node with another key gets a new manifest, where anything in it is sealed") {
  const tests::TemporaryDirectory directory;
  const OpenKey first = OpenKey::generate(), second = OpenKey::generate();
  Run run(directory.path());
  const std::string id = set_secret(run, "hunter2");
  const Nodes nodes{{"a", {{"web", release_with("d1", id)}}}, {"b", {{"db", release("db", "d2")}}}};
  run.sealing_keys.insert({{"a", first.seal_key()}, {"b", first.seal_key()}});
  CHECK(run.act("r1", nodes) == Strings{"a", "b"});
  CHECK(run.act("r2", nodes).empty());
  run.sealing_keys.insert_or_assign("a", second.seal_key());
  run.sealing_keys.insert_or_assign("b", second.seal_key());
  CHECK(run.act("r3", nodes) == Strings{"a"});
  CHECK(secrets_of(run, "a", second) == "DB=hunter2 ");
  CHECK(run.act("r4", nodes).empty());
}

TEST_CASE("logins go sealed to nodes that are enrolled, those that operators have set among them") {
  const tests::TemporaryDirectory directory;
  const OpenKey key = OpenKey::generate();
  Run run(directory.path());
  run.sealing_keys.emplace("a", key.seal_key());
  const auto pulling = [] {
    auto compiled = std::make_shared<CompiledRelease>();
    compiled->release.set_stack("web");
    compiled->release.set_digest("d1");
    compiled->release.add_services()->set_image("ghcr.io/x/y:1");
    return compiled;
  }();
  run.secrets.set_login("ghcr.io", {"me", "pass-word", ""}, 1);
  run.act("r1", {{"a", {{"web", pulling}}}, {"b", {{"web", pulling}}}});
  const v1::Manifest sealed = run.manifest("a");
  REQUIRE(sealed.registry_logins_size() == 1);
  CHECK(sealed.registry_logins(0).registry() == "ghcr.io");
  CHECK(sealed.registry_logins(0).username().empty());
  CHECK(sealed.SerializeAsString().find("pass-word") == std::string::npos);
  v1::RegistryLogin login;
  login.ParseFromString(key.open(sealed.registry_logins(0).sealed()));
  CHECK(login.username() == "me");
  CHECK(login.password() == "pass-word");
  CHECK(logins_of(run, "b") == "ghcr.io=me:pass-word ");
  CHECK(run.act("r2", {{"a", {{"web", pulling}}}, {"b", {{"web", pulling}}}}).empty());
  run.secrets.set_login("ghcr.io", {"me", "another", ""}, 2);
  CHECK(run.act("r2", {{"a", {{"web", pulling}}}, {"b", {{"web", pulling}}}}) == Strings{"a", "b"});
}
