#include "hub/publish/manifests.h"

#include "common/envelope.h"
#include "hivemind/v1/envelope.pb.h"
#include "tests/support/catch.h"

using namespace hivemind;
using namespace hivemind::hub;

namespace {

ReleasePtr release(const std::string& stack, const std::string& digest, Files files = {}) {
  auto compiled = std::make_shared<CompiledRelease>();
  compiled->release.set_stack(stack);
  compiled->release.set_digest(digest);
  compiled->files = std::move(files);
  return compiled;
}

Compilation compilation(const std::string& revision, std::map<std::string, std::vector<Assignment>> nodes) {
  Compilation result;
  result.revision = revision;
  result.valid = true;
  result.nodes = std::move(nodes);
  return result;
}

std::optional<std::string> never_seen(std::string_view) {
  return std::nullopt;
}

// "pi-1: app=d1@r1 web=d2@r1; pi-2: -"
std::string to_text(const FleetReleases& fleet) {
  std::string text;
  for (const auto& [node, releases] : fleet) {
    text += (text.empty() ? "" : "; ") + node + ":" + (releases.empty() ? " -" : "");
    for (const auto& [stack, held] : releases) {
      text += " " + stack + "=" + held->release.digest() + "@" + held->release.revision();
    }
  }
  return text;
}

}  // namespace

TEST_CASE("a new release carries the revision that brought it") {
  const auto fleet = settle(compilation("r1", {{"pi-1", {{"web", release("web", "d1")}}}}), {}, never_seen);
  CHECK(to_text(fleet) == "pi-1: web=d1@r1");
}

TEST_CASE("an unchanged release keeps the revision in which it first appeared") {
  const auto before = settle(compilation("r1", {{"pi-1", {{"web", release("web", "d1")}}}}), {}, never_seen);
  const auto after =
      settle(compilation("r2", {{"pi-1", {{"web", release("web", "d1")}}}}), before, never_seen);
  CHECK(to_text(after) == "pi-1: web=d1@r1");
  CHECK(after.at("pi-1").at("web") == before.at("pi-1").at("web"));
}

TEST_CASE("a release that comes back has the revision that the hub remembers of it") {
  const auto fleet = settle(compilation("r3", {{"pi-1", {{"web", release("web", "d1")}}}}), {},
                            [](std::string_view digest) -> std::optional<std::string> {
                              if (digest == "d1") return "r1";
                              return std::nullopt;
                            });
  CHECK(to_text(fleet) == "pi-1: web=d1@r1");
}

TEST_CASE("nodes with the same content share one release") {
  const auto fleet = settle(compilation("r1", {{"pi-1", {{"web", release("web", "d1")}}},
                                               {"pi-2", {{"web", release("web", "d1")}}}}),
                            {}, never_seen);
  CHECK(fleet.at("pi-1").at("web") == fleet.at("pi-2").at("web"));
}

TEST_CASE("a stack that does not compile for a node keeps its last good release there") {
  const auto before = settle(compilation("r1", {{"pi-1", {{"web", release("web", "d1")}}},
                                                {"pi-2", {{"web", release("web", "d1")}}}}),
                             {}, never_seen);
  const auto after =
      settle(compilation("r2", {{"pi-1", {{"web", nullptr}}}, {"pi-2", {{"web", release("web", "d2")}}}}),
             before, never_seen);
  CHECK(to_text(after) == "pi-1: web=d1@r1; pi-2: web=d2@r2");
}

TEST_CASE("a stack that never compiled for a node is not on it") {
  const auto fleet = settle(compilation("r1", {{"pi-1", {{"web", nullptr}}}}), {}, never_seen);
  CHECK(to_text(fleet) == "pi-1: -");
}

TEST_CASE("a stack that is no longer assigned goes, and a node that is no longer listed ends with none") {
  const auto before =
      settle(compilation("r1", {{"pi-1", {{"app", release("app", "d1")}, {"web", release("web", "d2")}}},
                                {"pi-2", {{"web", release("web", "d2")}}}}),
             {}, never_seen);
  const auto after =
      settle(compilation("r2", {{"pi-1", {{"app", release("app", "d1")}}}}), before, never_seen);
  CHECK(to_text(after) == "pi-1: app=d1@r1; pi-2: -");
}

TEST_CASE("a commit empties every node only when there was something and nothing of it is left") {
  const FleetReleases none{{"pi-1", {}}, {"pi-2", {}}};
  const FleetReleases some{{"pi-1", {{"web", release("web", "d1")}}}, {"pi-2", {}}};
  const FleetReleases other{{"pi-1", {}}, {"pi-2", {{"web", release("web", "d1")}}}};
  CHECK(empties_every_node(some, none));
  CHECK_FALSE(empties_every_node(none, none));
  CHECK_FALSE(empties_every_node(none, some));
  CHECK_FALSE(empties_every_node(some, some));
  // pi-2 had none, so what it gets now does not make up for pi-1.
  CHECK(empties_every_node(some, other));
}

TEST_CASE("content is the same when every stack has the same digest") {
  const NodeReleases a{{"web", release("web", "d1")}};
  CHECK(same_content(a, {{"web", release("web", "d1")}}));
  CHECK_FALSE(same_content(a, {{"web", release("web", "d2")}}));
  CHECK_FALSE(same_content(a, {{"app", release("app", "d1")}}));
  CHECK_FALSE(same_content(a, {}));
}

TEST_CASE("a manifest holds the releases by stack and each file once") {
  const auto content = std::make_shared<const std::string>("hello");
  const NodeReleases releases{{"web", release("web", "d2", {{"aa", content}})},
                              {"app", release("app", "d1", {{"aa", content}, {"bb", content}})}};
  const v1::Manifest manifest = compose_manifest({"pi-1", 7, "r1", 1000}, releases);
  CHECK(manifest.node() == "pi-1");
  CHECK(manifest.generation() == 7);
  CHECK(manifest.revision() == "r1");
  REQUIRE(manifest.releases_size() == 2);
  CHECK(manifest.releases(0).stack() == "app");
  CHECK(manifest.releases(1).stack() == "web");
  REQUIRE(manifest.files_size() == 2);
  CHECK(manifest.files(0).sha256() == "aa");
  CHECK(manifest.files(1).content() == "hello");
}

TEST_CASE("a node without releases has a manifest all the same") {
  const v1::Manifest manifest = compose_manifest({"pi-1", 1, "r1", 1000}, {});
  CHECK(manifest.node() == "pi-1");
  CHECK(manifest.releases_size() == 0);
}

TEST_CASE("a sealed manifest opens with the hub's key and is the same bytes every time") {
  const Signer signer(SigningKey::generate());
  const v1::Manifest manifest = compose_manifest({"pi-1", 1, "r1", 1000}, {{"web", release("web", "d1")}});
  const std::string envelope = seal_manifest(signer, manifest);
  CHECK(envelope == seal_manifest(signer, manifest));
  v1::Manifest opened;
  REQUIRE(opened.ParseFromString(open_envelope(signer.key().verify_key(), kManifestKind, envelope)));
  CHECK(opened.SerializeAsString() == manifest.SerializeAsString());
}

TEST_CASE("a sealed manifest carries a stamp that proves node, generation and time") {
  const Signer signer(SigningKey::generate());
  const std::string envelope = seal_manifest(signer, compose_manifest({"pi-1", 7, "r1", 1000}, {}));
  v1::Stamp stamp;
  REQUIRE(stamp.ParseFromString(open_envelope(signer.key().verify_key(), kStampKind, stamp_of(envelope))));
  CHECK(stamp.node() == "pi-1");
  CHECK(stamp.generation() == 7);
  CHECK(stamp.issued_at_ms() == 1000);
}

TEST_CASE("a stamp leads from the keys of before to the one that has signed it") {
  SigningKey first = SigningKey::generate(), second = SigningKey::generate();
  const Successions successions{succeed(first, second.verify_key())};
  const Signer signer(std::move(second), successions);
  const std::string envelope = seal_manifest(signer, compose_manifest({"pi-1", 7, "r1", 1000}, {}));
  CHECK(successors(first.verify_key(), kStampKind, stamp_of(envelope)) ==
        std::vector<VerifyKey>{signer.key().verify_key()});
}
