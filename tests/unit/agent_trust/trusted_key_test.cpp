#include "agent/trust/trusted_key.h"

#include "common/error.h"
#include "common/file.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;
using hivemind::agent::TrustedKey;
using hivemind::tests::TemporaryDirectory;

namespace {

// A hub that rotates its key.
class Hub {
 public:
  void rotate() {
    SigningKey next = SigningKey::generate();
    Successions successions = signer_.successions();
    successions.push_back(succeed(signer_.key(), next.verify_key()));
    signer_ = Signer(std::move(next), std::move(successions));
  }
  const VerifyKey& key() const { return signer_.key().verify_key(); }
  std::string manifest() const { return signer_.seal(kManifestKind, "payload"); }

 private:
  Signer signer_{SigningKey::generate()};
};

struct Node {
  explicit Node(const Hub& hub) : given(hub.key()) {}
  TrustedKey start() const { return TrustedKey(given, directory / "hub.keys"); }

  TemporaryDirectory directory;
  VerifyKey given;
};

}  // namespace

TEST_CASE("a node follows its hub over one rotation or many, and knows it after a restart") {
  Hub hub;
  const Node node(hub);
  for (int rotation = 0; rotation < 3; ++rotation) hub.rotate();
  TrustedKey trusted = node.start();
  CHECK(trusted.follow(kManifestKind, hub.manifest()));
  CHECK(trusted.key() == hub.key());
  CHECK(node.start().key() == hub.key());
  hub.rotate();
  TrustedKey later = node.start();
  CHECK(later.follow(kCommandKind, "nonsense") == false);
  CHECK(later.follow(kManifestKind, hub.manifest()));
  CHECK(node.start().key() == hub.key());
}

TEST_CASE("a key that was left behind is never obeyed again, though the given file still has it") {
  Hub hub;
  const Node node(hub);
  const std::string by_old = hub.manifest();
  hub.rotate();
  TrustedKey trusted = node.start();
  trusted.follow(kManifestKind, hub.manifest());
  CHECK_FALSE(trusted.follow(kManifestKind, by_old));
  CHECK(trusted.has_left_behind(kManifestKind, by_old));
  CHECK_FALSE(trusted.has_left_behind(kManifestKind, hub.manifest()));
  CHECK_FALSE(trusted.has_left_behind(kManifestKind, Hub().manifest()));
  CHECK_THROWS_AS(open_envelope(trusted.key(), kManifestKind, by_old), Error);
  CHECK_THROWS_AS(open_envelope(node.start().key(), kManifestKind, by_old), Error);
}

TEST_CASE("what a node has stored itself stays true over a rotation") {
  Hub hub;
  const Node node(hub);
  const std::string stored = hub.manifest();
  hub.rotate();
  TrustedKey trusted = node.start();
  trusted.follow(kManifestKind, hub.manifest());
  const TrustedKey after = node.start();
  CHECK(open_envelope(after.key_of_stored(kManifestKind, stored), kManifestKind, stored) == "payload");
  const Hub other;
  CHECK(after.key_of_stored(kManifestKind, other.manifest()) == hub.key());
}

TEST_CASE("a stored manifest of a newer key is true also when the file of keys was lost") {
  Hub hub;
  const Node node(hub);
  hub.rotate();
  const std::string stored = hub.manifest();
  CHECK(node.start().key() == node.given);
  CHECK(node.start().key_of_stored(kManifestKind, stored) == hub.key());
}

TEST_CASE("a node that is given the key of another hub begins anew with it") {
  Hub hub;
  Node node(hub);
  hub.rotate();
  TrustedKey trusted = node.start();
  trusted.follow(kManifestKind, hub.manifest());
  Hub other;
  node.given = other.key();
  CHECK(node.start().key() == other.key());
  other.rotate();
  TrustedKey elsewhere = node.start();
  CHECK(elsewhere.follow(kManifestKind, other.manifest()));
  CHECK(node.start().key() == other.key());
}

TEST_CASE("the newest key may be given, too, by whoever copies hub.pub again") {
  Hub hub;
  Node node(hub);
  hub.rotate();
  TrustedKey trusted = node.start();
  trusted.follow(kManifestKind, hub.manifest());
  node.given = hub.key();
  CHECK(node.start().key() == hub.key());
}

TEST_CASE("a new key that cannot be stored is not obeyed, and is followed later") {
  Hub hub;
  const Node node(hub);
  hub.rotate();
  const auto in_the_way = node.directory / "hub.keys.new" / "x";
  std::filesystem::create_directories(in_the_way);
  TrustedKey trusted = node.start();
  CHECK_THROWS_AS(trusted.follow(kManifestKind, hub.manifest()), Error);
  CHECK(trusted.key() == node.given);
  std::filesystem::remove_all(node.directory / "hub.keys.new");
  CHECK(trusted.follow(kManifestKind, hub.manifest()));
}

TEST_CASE("a file of keys that is damaged counts as absent") {
  Hub hub;
  const Node node(hub);
  write_file_durably(node.directory / "hub.keys", "nonsense\n", 0600);
  TrustedKey trusted = node.start();
  CHECK(trusted.key() == node.given);
  hub.rotate();
  CHECK(trusted.follow(kManifestKind, hub.manifest()));
  CHECK(node.start().key() == hub.key());
}

TEST_CASE("an enrolled node's pinned key is the newest one, also after a crash before it was written") {
  Hub hub;
  const TemporaryDirectory directory;
  const VerifyKey given = hub.key();
  const auto pinned = directory / "hub.pub";
  const auto keys = directory / "hub.keys";
  write_file_durably(pinned, given.text(), 0600);
  hub.rotate();
  TrustedKey trusted(given, keys, pinned);
  trusted.follow(kManifestKind, hub.manifest());
  CHECK(VerifyKey::load(pinned) == hub.key());
  write_file_durably(pinned, given.text(), 0600);  // as before a crash
  const TrustedKey again(VerifyKey::load(pinned), keys, pinned);
  CHECK(again.key() == hub.key());
  CHECK(VerifyKey::load(pinned) == hub.key());
}
