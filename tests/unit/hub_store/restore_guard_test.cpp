#include "hub/trust/restore_guard.h"

#include "hivemind/v1/envelope.pb.h"
#include "tests/support/catch.h"

using namespace hivemind;
using namespace hivemind::hub;
using hivemind::tests::ContainsSubstring;

namespace {

std::string stamp(const SigningKey& key, const std::string& node, std::uint64_t generation,
                  const Successions& successions = {}) {
  v1::Stamp stamp;
  stamp.set_node(node);
  stamp.set_generation(generation);
  stamp.set_issued_at_ms(5000);
  return seal_envelope(key, kStampKind, stamp.SerializeAsString(), successions);
}

}  // namespace

TEST_CASE("a stamp proves what the hub has signed for this node, and nothing else does") {
  const SigningKey key = SigningKey::generate();
  const std::vector<KeyRecord> own{{key.verify_key(), 1000}};
  const auto opened = opened_stamp(own, "pi-1", stamp(key, "pi-1", 41));
  REQUIRE(opened);
  CHECK(opened->generation == 41);
  CHECK(opened->issued_at_ms == 5000);
  CHECK_FALSE(opened_stamp(own, "pi-2", stamp(key, "pi-1", 41)));
  CHECK_FALSE(opened_stamp(own, "pi-1", stamp(SigningKey::generate(), "pi-1", 41)));
  CHECK_FALSE(opened_stamp(own, "pi-1", ""));
  CHECK_FALSE(opened_stamp(own, "pi-1", seal_envelope(key, kManifestKind, "x")));
}

TEST_CASE("a key that was left behind counts for what was issued before, not for what a thief makes later") {
  const SigningKey first = SigningKey::generate(), second = SigningKey::generate();
  const auto rotated_at = [&](std::int64_t at_ms) {
    return std::vector<KeyRecord>{{first.verify_key(), 1000}, {second.verify_key(), at_ms}};
  };
  CHECK(opened_stamp(rotated_at(6000), "pi-1", stamp(first, "pi-1", 41)));  // which was issued at 5000
  CHECK_FALSE(opened_stamp(rotated_at(4000), "pi-1", stamp(first, "pi-1", 41)));
  CHECK(opened_stamp(rotated_at(4000), "pi-1", stamp(second, "pi-1", 41)));
}

TEST_CASE(
    "a stamp by a key that took the place of the hub's proves it to a hub that has forgotten that key") {
  const SigningKey first = SigningKey::generate(), second = SigningKey::generate(),
                   third = SigningKey::generate(), other = SigningKey::generate();
  const std::vector<KeyRecord> own{{first.verify_key(), 1000}};
  const Successions line{succeed(first, second.verify_key()), succeed(second, third.verify_key())};
  const auto opened = opened_stamp(own, "pi-1", stamp(third, "pi-1", 41, line));
  REQUIRE(opened);
  CHECK(opened->generation == 41);
  CHECK(opened->newer_key == third.verify_key().id());
  CHECK(opened_stamp({{second.verify_key(), 1000}}, "pi-1", stamp(third, "pi-1", 41, line)));

  CHECK_FALSE(opened_stamp(own, "pi-2", stamp(third, "pi-1", 41, line)));
  CHECK_FALSE(opened_stamp(own, "pi-1", stamp(third, "pi-1", 41)));  // as hubs of before have made them
  CHECK_FALSE(opened_stamp(own, "pi-1", stamp(other, "pi-1", 41, line)));
  CHECK_FALSE(opened_stamp(own, "pi-1", stamp(other, "pi-1", 41, {succeed(other, other.verify_key())})));
  // The hub's own newest key is no news, however it came to it.
  const std::vector<KeyRecord> all{
      {first.verify_key(), 1000}, {second.verify_key(), 2000}, {third.verify_key(), 3000}};
  CHECK(opened_stamp(all, "pi-1", stamp(third, "pi-1", 41, line))->newer_key.empty());
}

TEST_CASE(
    "a hub that was rotated after it was restored knows the keys of its lost life, but not those of a "
    "thief") {
  const SigningKey first = SigningKey::generate(), lost = SigningKey::generate(),
                   now = SigningKey::generate();
  const std::string found = stamp(lost, "pi-1", 41, {succeed(first, lost.verify_key())});
  const auto rotated_at = [&](std::int64_t at_ms) {
    return std::vector<KeyRecord>{{first.verify_key(), 1000}, {now.verify_key(), at_ms}};
  };
  CHECK(opened_stamp(rotated_at(6000), "pi-1", found));  // which was issued at 5000
  CHECK_FALSE(opened_stamp(rotated_at(4000), "pi-1", found));
}

TEST_CASE("a forgotten manifest holds the hub until somebody has looked, over restarts as well") {
  RestoreGuard guard;
  CHECK_FALSE(guard.held());
  CHECK(guard.text().empty());
  CHECK(guard.note({"pi-1", 41, 5000, 17}, 6000));
  CHECK_FALSE(guard.note({"pi-1", 41, 5000, 17}, 6500));
  CHECK(guard.note({"pi-2", 9, 5500, 0}, 7000));
  const RestoreGuard after = RestoreGuard::parse(guard.text());
  CHECK(after.held());
  CHECK(after.since_ms() == 6000);
  CHECK(after.found().size() == 2);
  CHECK(after.found().at("pi-1").generation == 41);
  CHECK(after.found().at("pi-1").known == 17);
  CHECK(after.text() == guard.text());
  CHECK_THAT(after.reason(), ContainsSubstring("2 nodes have") &&
                                 ContainsSubstring("'pi-1' generation 41 (the newest here is 17)") &&
                                 ContainsSubstring("trust resume"));
}

TEST_CASE("what was issued before somebody looked is no news afterwards, what comes later is") {
  RestoreGuard guard;
  guard.note({"pi-1", 41, 5000, 17}, 6000);
  guard.resume(8000);
  CHECK_FALSE(guard.held());
  CHECK(guard.reason().empty());
  guard = RestoreGuard::parse(guard.text());
  CHECK_FALSE(guard.note({"away-for-weeks", 99, 5500, 3}, 9000));
  CHECK_FALSE(guard.held());
  CHECK(guard.note({"pi-1", 50, 8500, 42}, 9000));
  CHECK(guard.held());
}

TEST_CASE("a key that took the place of the hub's is a reason to hold back, and is named") {
  RestoreGuard guard;
  CHECK(guard.note({"pi-1", 41, 5000, 17, "0123456789abcdef"}, 6000));
  CHECK_FALSE(guard.note({"pi-1", 41, 5000, 17, "0123456789abcdef"}, 6000));
  RestoreGuard after = RestoreGuard::parse(guard.text());
  CHECK(after.held());
  CHECK(after.text() == guard.text());
  CHECK_THAT(after.reason(), ContainsSubstring("'0123456789abcdef'") && ContainsSubstring("signing.key"));
  after.note_own_key();  // it was put back
  CHECK(after.held());
  CHECK_THAT(after.reason(), !ContainsSubstring("0123456789abcdef") && ContainsSubstring("generation 41"));
}

TEST_CASE("of the keys that took the place of the hub's the one that has signed last is named") {
  RestoreGuard guard;
  guard.note({"pi-1", 41, 5000, 17, "second"}, 6000);
  CHECK(guard.note({"pi-2", 41, 5500, 17, "third"}, 6000));
  CHECK(guard.note({"away-for-a-while", 41, 5100, 17, "second"}, 6000));
  CHECK(guard.newer_key() == "third");
  guard.resume(7000);
  CHECK_FALSE(guard.note({"pi-1", 42, 6500, 17, "fourth"}, 8000));
}

TEST_CASE("a stored guard that is damaged does not keep a hub from starting") {
  for (const char* text : {"held", "held x\n", "held 1\n", "held 1\nkey x\n", "found\n", "found pi-1 x\n",
                           "\n\n", "nonsense 1 2 3"})
    CHECK_NOTHROW(RestoreGuard::parse(text).reason());
}
