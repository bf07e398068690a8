#include "agent/link/judge.h"

#include "common/digest.h"
#include "tests/support/catch.h"
#include "tests/support/manifest_builder.h"

using namespace hivemind;
using namespace hivemind::agent;
using namespace hivemind::tests;

namespace {

const SigningKey& hub() {
  static const SigningKey key = SigningKey::generate();
  return key;
}

std::string sealed(const v1::Manifest& manifest, const SigningKey& key = hub()) {
  return seal_envelope(key, kManifestKind, manifest.SerializeAsString());
}

Judgement judged(const std::string& envelope, const Newest& newest = {}) {
  return judge(envelope, hub().verify_key(), kNode, newest);
}

RefusedManifest refused(const std::string& envelope, const Newest& newest = {}) {
  const Judgement judgement = judged(envelope, newest);
  REQUIRE(std::holds_alternative<RefusedManifest>(judgement));
  return std::get<RefusedManifest>(judgement);
}

v1::Manifest generation(std::uint64_t number) {
  return manifest(number, {release("web", {service("app")})});
}

}  // namespace

TEST_CASE("a manifest of the hub for this node is accepted") {
  const Judgement judgement = judged(sealed(generation(3)), {2, "other"});
  REQUIRE(std::holds_alternative<AcceptedManifest>(judgement));
  const auto& accepted = std::get<AcceptedManifest>(judgement);
  CHECK(accepted.desired.generation == 3);
  CHECK(accepted.desired.stacks.at(0).name == "web");
  CHECK(accepted.digest == sha256_hex(generation(3).SerializeAsString()));
}

TEST_CASE("the newest manifest once more is known, not refused") {
  const std::string payload = generation(3).SerializeAsString();
  CHECK(std::holds_alternative<KnownManifest>(judged(sealed(generation(3)), {3, sha256_hex(payload)})));
}

TEST_CASE("an older manifest is refused, and one of the same generation with another content") {
  CHECK(refused(sealed(generation(2)), {3, "x"}).reason == v1::REASON_OLDER_GENERATION);
  const RefusedManifest same = refused(sealed(generation(3)), {3, "x"});
  CHECK(same.reason == v1::REASON_OLDER_GENERATION);
  CHECK(same.generation == 3);
  CHECK_THAT(same.text, ContainsSubstring("generation 3 already"));
  CHECK(refused(sealed(generation(0))).reason == v1::REASON_OLDER_GENERATION);
}

TEST_CASE("a manifest that another key has signed is refused, whatever it says") {
  const SigningKey other = SigningKey::generate();
  const RefusedManifest found = refused(sealed(generation(9), other));
  CHECK(found.reason == v1::REASON_SIGNATURE_REFUSED);
  CHECK(found.generation == 0);
}

TEST_CASE("a payload of another kind is no manifest") {
  const std::string payload = generation(3).SerializeAsString();
  CHECK(refused(seal_envelope(hub(), "command", payload)).reason == v1::REASON_SIGNATURE_REFUSED);
}

TEST_CASE("a manifest for another node is refused") {
  v1::Manifest other = generation(3);
  other.set_node("pi-2");
  const RefusedManifest found = refused(sealed(other));
  CHECK(found.reason == v1::REASON_WRONG_NODE);
  CHECK(found.text == "manifest of generation 3 refused: it is for node 'pi-2', this is 'pi-1'");
}

TEST_CASE("an envelope that is cut off anywhere is refused") {
  const std::string whole = sealed(generation(3));
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const RefusedManifest found = refused(whole.substr(0, length));
    CHECK((found.reason == v1::REASON_MALFORMED || found.reason == v1::REASON_SIGNATURE_REFUSED));
  }
}

TEST_CASE("an envelope with any byte changed is never accepted") {
  const std::string whole = sealed(generation(3));
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 0x20);
    CHECK(std::holds_alternative<RefusedManifest>(judged(changed)));
  }
}

TEST_CASE("what is signed and makes no sense is malformed") {
  CHECK(refused(seal_envelope(hub(), kManifestKind, "\xff\xff")).reason == v1::REASON_MALFORMED);
  const RefusedManifest found =
      refused(sealed(manifest(3, {release("web", {with_dependency(service("a"), "b")})})));
  CHECK(found.reason == v1::REASON_MALFORMED);
  CHECK(found.generation == 3);
  CHECK_THAT(found.text, ContainsSubstring("stack 'web': service 'a' depends on 'b'"));
}
