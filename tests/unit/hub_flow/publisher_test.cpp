#include "hub/publisher.h"

#include "common/error.h"
#include "common/file.h"
#include "hub/store/schema.h"
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
  explicit Run(const std::filesystem::path& directory, const std::filesystem::path& credentials = {})
      : store(directory),
        key(SigningKey::load_or_create(directory / "hub.key")),
        publisher(store, key, inventory, delivery, credentials) {
    publisher.load();
  }

  Store store;
  Inventory inventory;
  std::vector<std::string> sent;
  SigningKey key;
  Delivery delivery{{[this](const std::string& node) { return store.envelope(node); },
                     [this](const std::string& node, std::string envelope, std::function<void()>) {
                       v1::Manifest manifest;
                       manifest.ParseFromString(open_envelope(key.verify_key(), kManifestKind, envelope));
                       sent.push_back(node + "@" + std::to_string(manifest.generation()));
                       return true;
                     },
                     [](const std::string&, std::uint64_t) {}}};
  Publisher publisher;

  std::vector<std::string> act(const std::string& revision, Nodes nodes) {
    return publisher.act_on(compilation(revision, std::move(nodes)), Emptying::kHold, 1000).published;
  }
};

using Strings = std::vector<std::string>;

// "registry=user:password " of the newest manifest.
std::string logins_of(Run& run, const std::string& node) {
  v1::Manifest manifest;
  manifest.ParseFromString(open_envelope(run.key.verify_key(), kManifestKind, run.store.envelope(node)));
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
