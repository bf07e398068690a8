#include "common/envelope.h"

#include "common/error.h"
#include "tests/support/catch.h"

using namespace hivemind;
using hivemind::tests::ContainsSubstring;

namespace {

ErrorCode refusal(const VerifyKey& key, std::string_view kind, const std::string& envelope) {
  try {
    open_envelope(key, kind, envelope);
  } catch (const Error& error) {
    return error.code();
  }
  FAIL("the envelope was accepted");
  return ErrorCode::kInternal;
}

}  // namespace

TEST_CASE("a sealed envelope opens with the signer's key and gives the payload back") {
  const SigningKey key = SigningKey::generate();
  const std::string payload("any \0 bytes", 11);
  CHECK(open_envelope(key.verify_key(), kManifestKind, seal_envelope(key, kManifestKind, payload)) ==
        payload);
}

TEST_CASE("an envelope of another key is refused") {
  const SigningKey ours = SigningKey::generate();
  const SigningKey other = SigningKey::generate();
  CHECK(refusal(ours.verify_key(), kManifestKind, seal_envelope(other, kManifestKind, "x")) ==
        ErrorCode::kDenied);
}

TEST_CASE("an envelope of another kind is refused") {
  const SigningKey key = SigningKey::generate();
  CHECK(refusal(key.verify_key(), kManifestKind, seal_envelope(key, "command", "x")) == ErrorCode::kDenied);
}

TEST_CASE("no single flipped bit and no truncation of an envelope is accepted") {
  const SigningKey key = SigningKey::generate();
  const std::string whole = seal_envelope(key, kManifestKind, "payload");
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    CHECK_THROWS_AS(open_envelope(key.verify_key(), kManifestKind, flipped), Error);
  }
  for (std::size_t length = 0; length < whole.size(); ++length) {
    CHECK_THROWS_AS(open_envelope(key.verify_key(), kManifestKind, whole.substr(0, length)), Error);
  }
}

TEST_CASE("a public key reads back from its text form") {
  const SigningKey key = SigningKey::generate();
  CHECK(VerifyKey::parse(key.verify_key().text()) == key.verify_key());
  CHECK(key.verify_key().id().size() == 16);
}

TEST_CASE("what is no public key is refused") {
  for (const char* text : {"", "hivemind-ed25519 ", "hivemind-ed25519 AAAA", "ssh-ed25519 AAAA"}) {
    CHECK_THROWS_AS(VerifyKey::parse(text), Error);
  }
}

TEST_CASE("a signing key reads back from its secret text, and what is none is not quoted") {
  const SigningKey key = SigningKey::generate();
  CHECK(SigningKey::parse(key.secret_text()).verify_key() == key.verify_key());
  CHECK_THROWS_WITH(SigningKey::parse("c2VjcmV0"), !ContainsSubstring("c2VjcmV0"));
}

namespace {

// A hub's keys, one after the other.
struct Line {
  explicit Line(std::size_t rotations) {
    keys.push_back(SigningKey::generate());
    while (successions.size() < rotations) {
      SigningKey next = SigningKey::generate();
      successions.push_back(succeed(keys.back(), next.verify_key()));
      keys.push_back(std::move(next));
    }
  }
  std::string sealed(std::string_view payload = "x") const {
    return seal_envelope(keys.back(), kManifestKind, payload, successions);
  }
  std::vector<VerifyKey> from(std::size_t trusted) const {
    return successors(keys[trusted].verify_key(), kManifestKind, sealed());
  }

  std::vector<SigningKey> keys;
  Successions successions;
};

}  // namespace

TEST_CASE("whoever trusts any of a hub's former keys finds the way to the newest one") {
  const Line line(3);
  for (std::size_t trusted = 0; trusted < 3; ++trusted) {
    const std::vector<VerifyKey> keys = line.from(trusted);
    REQUIRE(keys.size() == 3 - trusted);
    CHECK(keys.back() == line.keys.back().verify_key());
  }
  CHECK(line.from(3).empty());
  CHECK(open_envelope(line.keys.back().verify_key(), kManifestKind, line.sealed("payload")) == "payload");
}

TEST_CASE("nobody follows from a key that the hub never had, nor back to one that it has left") {
  const Line line(2);
  CHECK(successors(SigningKey::generate().verify_key(), kManifestKind, line.sealed()).empty());
  const std::string by_old = seal_envelope(line.keys[0], kManifestKind, "x", line.successions);
  CHECK(successors(line.keys[2].verify_key(), kManifestKind, by_old).empty());
  CHECK(successors(line.keys[1].verify_key(), kManifestKind, by_old).empty());
  // Signed by a key in the middle: the way does not end there.
  const std::string by_middle = seal_envelope(line.keys[1], kManifestKind, "x", line.successions);
  CHECK(successors(line.keys[0].verify_key(), kManifestKind, by_middle).empty());
}

TEST_CASE("a link that its predecessor has not signed is not followed, wherever it stands") {
  const Line line(3), other(3);
  for (std::size_t broken = 0; broken < 3; ++broken) {
    Successions forged = line.successions;
    forged[broken].signature = other.successions[broken].signature;
    const std::string envelope = seal_envelope(line.keys.back(), kManifestKind, "x", forged);
    CHECK(successors(line.keys[0].verify_key(), kManifestKind, envelope).empty());
  }
  Successions spliced = line.successions;
  spliced.push_back(other.successions.back());
  CHECK(successors(line.keys[0].verify_key(), kManifestKind,
                   seal_envelope(other.keys.back(), kManifestKind, "x", spliced))
            .empty());
}

TEST_CASE("no bit of an envelope with successions can change without its being refused") {
  const Line line(2);
  const std::string whole = line.sealed("payload");
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    const std::vector<VerifyKey> keys = successors(line.keys[0].verify_key(), kManifestKind, flipped);
    if (!keys.empty()) FAIL("bit " << bit << " was changed, and the way is still followed");
  }
}

TEST_CASE("another kind is not followed") {
  const Line line(1);
  CHECK(successors(line.keys[0].verify_key(), kCommandKind, line.sealed()).empty());
}

TEST_CASE("the newest successions go along, and more than those are not looked at") {
  const Line line(kMaxSuccessions + 2);
  CHECK(line.from(0).empty());
  CHECK(line.from(1).empty());
  CHECK(line.from(2).size() == kMaxSuccessions);
  CHECK(line.from(kMaxSuccessions + 1).size() == 1);
}
