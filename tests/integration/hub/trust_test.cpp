#include "hivemind/v1/envelope.pb.h"
#include "tests/integration/hub/hub_fixture.h"

// The signing key, restored backups, and commits that nobody has signed.

using namespace hivemind;
using namespace hivemind::hub;

namespace {

class Trust : public Fixture {
 public:
  void change(const std::string& greeting) {
    write_stack(greeting);
    repository.commit();
    sync();
  }
  void begin() {
    start_hub();
    report("pi-1");
    run_until([&] { return published.size() == 1; });
    run_until_stored("pi-1");
  }
  void back_up() {
    stop_hub();
    std::filesystem::copy(config.data_dir, directory / "backup", std::filesystem::copy_options::recursive);
    start_hub();
  }
  void restore() {
    stop_hub();
    std::filesystem::remove_all(config.data_dir);
    std::filesystem::copy(directory / "backup", config.data_dir, std::filesystem::copy_options::recursive);
  }
  // Only nodes know better: the broker forgets, as an embedded one whose store is in the backup, and the
  // repository is back at what the hub remembers, so that it has nothing to send.
  void start_restored(const std::string& revision = "HEAD") {
    restore();
    broker.restart();
    repository.reset(revision);
    start_hub();
    run_until([&] { return watcher->up(); });
  }
  // Commits in this order; the generations of pi-1 go on from 1.
  void change_all(const std::vector<std::string>& greetings) {
    for (const std::string& greeting : greetings) change(greeting);
    run_until([&] { return published.back() == fmt::format("pi-1@{} 1", 1 + greetings.size()); });
  }
  void rotate() {
    const std::size_t seen = published.size();
    hub->rotate_key();
    run_until([&] { return published.size() > seen; });
  }
  // Once it had the time to publish.
  bool is_quiet() {
    const std::size_t seen = published.size();
    run_for(1500ms);
    return published.size() == seen;
  }
  bool held() const { return hub->status().trust.held_since_ms != 0; }
};

}  // namespace

TEST_CASE_METHOD(Trust,
                 "a rotation signs all manifests anew, and they lead from the old key to the new one") {
  begin();
  const VerifyKey first = VerifyKey::load(config.data_dir / "hub.pub");
  const std::string before = newest["pi-1"].releases(0).digest();
  hub->rotate_key();
  run_until([&] { return published.size() == 2; });
  CHECK(published.back() == "pi-1@2 1");
  CHECK(newest["pi-1"].releases(0).digest() == before);
  CHECK(hub->status().trust.keys.size() == 2);
  CHECK(hub->status().trust.keys.front().id == first.id());
  stop_hub();
  start_hub();
  CHECK(hub->status().trust.keys.size() == 2);
  change("two");
  run_until([&] { return published.back() == "pi-1@3 1"; });
}

TEST_CASE_METHOD(Trust, "a hub that ended right behind its rotation signs the manifests when it is back") {
  begin();
  stop_hub();
  Identity(config.data_dir).rotate(1000);
  start_hub();
  run_until([&] { return published.size() == 2; });
  CHECK(published.back() == "pi-1@2 1");
  run_for(500ms);
  CHECK(published.size() == 2);
}

TEST_CASE_METHOD(
    Trust, "a restored hub that the broker knows to be behind publishes nothing until somebody has looked") {
  begin();
  back_up();
  change_all({"two", "three"});
  restore();
  const std::size_t seen = published.size();
  start_hub();
  run_until([&] { return held(); });
  CHECK(sync().state == SyncResult::State::kHeld);
  CHECK_THAT(hub->status().desired.text, ContainsSubstring("trust resume"));
  report("pi-new");
  CHECK_THROWS_AS(hub->rotate_key(), Error);
  run_for(2500ms);  // longer than it looks at what the broker has
  CHECK(published.size() == seen);

  stop_hub();
  start_hub();
  CHECK(held());
  run_for(500ms);
  CHECK(published.size() == seen);

  REQUIRE(resume());
  CHECK_FALSE(held());
  run_until([&] { return newest["pi-1"].generation() > 3 && newest.contains("pi-new"); });
  CHECK(newest["pi-1"].revision() == repository.head());
  CHECK(newest["pi-1"].releases(0).services(0).engine_body().find("three") != std::string::npos);
  CHECK_FALSE(resume());
}

TEST_CASE_METHOD(Trust, "a node's stamp holds a restored hub when the broker has forgotten as well") {
  begin();
  back_up();
  change_all({"two"});
  const std::string stamp = stamps["pi-1"];
  start_restored("HEAD~1");
  report("pi-1", 2, stamp);
  run_until([&] { return held(); });
  CHECK(hub->status().trust.ahead.front().node == "pi-1");
}

TEST_CASE_METHOD(Trust, "a node that claims any number is numbered above, and holds nobody up") {
  begin();
  report("pi-2");
  run_until([&] { return newest.contains("pi-2"); });
  report("pi-1", (std::uint64_t{1} << 52), stamps["pi-2"]);
  run_until([&] { return newest["pi-1"].generation() == (std::uint64_t{1} << 52) + 1; });
  CHECK_FALSE(held());
  CHECK(newest["pi-2"].generation() == 1);
}

TEST_CASE_METHOD(Trust, "a hub that has counted to the same number twice is held as well") {
  begin();
  back_up();
  change_all({"two"});
  restore();
  start_hub();  // and makes generation 2 of the same commit once more
  run_until([&] { return held(); });
}

TEST_CASE_METHOD(Trust, "a node that comes back later with a manifest of before is no reason to hold again") {
  begin();
  back_up();
  change_all({"two"});
  const std::string stamp = stamps["pi-1"];
  restore();
  start_hub();
  run_until([&] { return held(); });
  REQUIRE(resume());
  run_until([&] { return newest["pi-1"].generation() > 2; });
  report("pi-1", 2, stamp);
  run_for(300ms);
  CHECK_FALSE(held());
}

TEST_CASE_METHOD(Trust, "a restored hub that was rotated before its node came back is held as well") {
  begin();
  back_up();
  change_all({"two", "three"});
  const std::string stamp = stamps["pi-1"];
  restore();
  broker.restart();
  repository.reset("HEAD~2");
  start_hub();
  hub->rotate_key();
  run_until([&] { return watcher->up(); });
  report("pi-1", 3, stamp);
  run_until([&] { return held(); });
}

TEST_CASE_METHOD(Trust, "a hub that cannot fetch goes on holding") {
  begin();
  back_up();
  change_all({"two"});
  restore();
  start_hub();
  run_until([&] { return held(); });
  std::filesystem::rename(repository.path(), directory / "away");
  CHECK_FALSE(resume());
  CHECK(held());
  std::filesystem::rename(directory / "away", repository.path());
  CHECK(resume());
  CHECK_FALSE(held());
}

TEST_CASE_METHOD(Trust,
                 "a restored hub goes on only with a newest revision, and never with what it has of before") {
  begin();
  back_up();
  change_all({"two"});
  restore();
  SECTION("one that cannot be read") {
    repository.write("stacks.yml", "stacks: 1\n");
  }
  SECTION("one that would empty every node") {
    repository.write("stacks.yml", "stacks: []\n");
  }
  repository.commit();
  start_hub();
  run_until([&] { return held(); });
  CHECK_FALSE(resume());
  CHECK(held());
  CHECK(is_quiet());
  CHECK(newest["pi-1"].generation() == 2);
  stop_hub();
  start_hub();
  CHECK(held());
  CHECK(is_quiet());

  repository.write("stacks.yml", "stacks:\n  - {name: web, compose_file: web.yml}\n");
  write_stack("three");
  repository.commit();
  REQUIRE(resume());
  CHECK_FALSE(held());
  run_until([&] { return newest["pi-1"].generation() > 2; });
  CHECK(newest["pi-1"].releases(0).services(0).engine_body().find("three") != std::string::npos);
}

TEST_CASE_METHOD(Trust, "a hub that was restored from before a rotation says which key the fleet obeys") {
  begin();
  back_up();
  hub->rotate_key();
  run_until([&] { return published.size() == 2; });
  const std::string newer = hub->status().trust.keys.back().id;
  restore();
  start_hub();
  run_until([&] { return held(); });
  CHECK_THAT(hub->status().trust.held_text, ContainsSubstring("'" + newer + "'"));
}

TEST_CASE_METHOD(
    Trust,
    "a restored hub is held by a node that has followed its rotations, also once the key is put back") {
  begin();
  back_up();
  for (int rotation = 0; rotation < 3; ++rotation) rotate();
  change("two");
  run_until([&] { return published.back() == "pi-1@5 1"; });
  const std::string stamp = stamps["pi-1"];
  const std::string key = hub->status().trust.keys.back().id;
  std::filesystem::copy(config.data_dir / "signing.key", directory / "signing.key");
  start_restored("HEAD~1");
  report("pi-1", 5, stamp, key);
  run_until([&] { return held(); });
  CHECK_THAT(hub->status().trust.held_text,
             ContainsSubstring("the fleet obeys key '" + key + "'") && ContainsSubstring("signing.key"));
  CHECK(sync().state == SyncResult::State::kHeld);
  CHECK(is_quiet());

  stop_hub();
  std::filesystem::copy(directory / "signing.key", config.data_dir / "signing.key",
                        std::filesystem::copy_options::overwrite_existing);
  start_hub();
  CHECK(held());
  CHECK_THAT(hub->status().trust.held_text, ContainsSubstring("'pi-1' generation 5"));
  CHECK(sync().state == SyncResult::State::kHeld);
  CHECK(is_quiet());

  REQUIRE(resume());
  run_until([&] { return newest["pi-1"].generation() > 5; });
  report("pi-1", 5, stamp, key);
  run_for(300ms);
  CHECK_FALSE(held());
}

TEST_CASE_METHOD(Trust, "the key alone that is put back holds a restored hub as soon as it starts") {
  begin();
  back_up();
  for (int rotation = 0; rotation < 3; ++rotation) rotate();
  const std::string stamp = stamps["pi-1"];
  const std::string key = hub->status().trust.keys.back().id;
  std::filesystem::copy(config.data_dir / "signing.key", directory / "signing.key");
  start_restored();
  v1::Envelope bare;  // as nodes have it whose manifest is of a hub of before
  bare.ParseFromString(stamp);
  bare.clear_successions();
  report("pi-1", 4, bare.SerializeAsString(), key);
  run_until([&] { return published.back() == "pi-1@1 1"; });  // the broker has lost it
  CHECK(is_quiet());  // to go on above what the node claims would be for nothing
  CHECK_FALSE(held());

  stop_hub();
  std::filesystem::copy(directory / "signing.key", config.data_dir / "signing.key",
                        std::filesystem::copy_options::overwrite_existing);
  start_hub();
  CHECK(held());
  CHECK(is_quiet());
}

TEST_CASE_METHOD(Trust, "numbers that a mere claim has raised hide nothing of what a stamp proves later") {
  begin();
  back_up();
  change_all({"two", "three"});
  const std::string stamp = stamps["pi-1"];
  start_restored("HEAD~2");
  report("pi-1", 20);
  run_until([&] { return newest["pi-1"].generation() == 21; });
  report("pi-1", 21, stamps["pi-1"]);  // its own
  run_for(300ms);
  CHECK_FALSE(held());
  report("pi-1", 3, stamp);
  run_until([&] { return held(); });
  REQUIRE(hub->status().trust.ahead.size() == 1);
  CHECK(hub->status().trust.ahead.front().generation == 3);
  REQUIRE(resume());
  run_for(300ms);
  CHECK_FALSE(held());
}

TEST_CASE_METHOD(Trust, "a restored hub that has counted on past its node is held when that comes back") {
  begin();
  back_up();
  change_all({"two"});
  const std::string stamp = stamps["pi-1"];
  restore();
  broker.restart();
  start_hub();  // and makes generation 2 of the same commit once more
  change("three");
  run_until([&] { return newest["pi-1"].generation() == 3; });
  report("pi-1", 2, stamp);
  run_until([&] { return held(); });
}

TEST_CASE_METHOD(Trust, "a restored hub stores the events of its nodes on from where it has lost them") {
  begin();
  const auto send = [&](std::uint64_t first, std::uint64_t last) {
    v1::EventBatch batch;
    batch.set_node("pi-1");
    batch.set_stream("s");
    batch.set_first(first);
    for (std::uint64_t i = first; i <= last; ++i) batch.add_events()->set_sequence(i);
    watcher->publish(topics::events("pi-1"), batch.SerializeAsString(), false);
    run_until([&] { return acknowledged["pi-1"] == last; });
  };
  send(1, 2);
  back_up();
  send(3, 4);
  restore();
  start_hub();
  send(5, 6);
  Strings stored;
  for (const StoredEvent& event : hub->events({})) stored.push_back(std::to_string(event.event.sequence()));
  CHECK(stored == Strings{"1", "2", "5", "6"});
}

TEST_CASE_METHOD(
    Trust, "a commit that nobody has signed changes nothing, and is followed once its signer is let in") {
  const std::string key = directory / "key";
  const auto run = [](const std::vector<std::string>& words) { REQUIRE(tests::run(words).exit_code == 0); };
  run({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key});
  const auto allow = [&](const std::string& file) {
    std::ofstream(config.git_signers.allowed_signers) << "ada@example.org " << read_file(file);
  };
  const auto sign = [&] {
    repository.git({"-c", "gpg.format=ssh", "-c", "user.signingkey=" + key, "commit", "-q", "--amend", "-S",
                    "--no-edit"});
  };
  config.git_signers.allowed_signers = directory / "allowed";
  allow(key + ".pub");
  sign();
  begin();
  const std::string good = repository.head();
  CHECK_THAT(hub->status().git.signer, ContainsSubstring("signed by ada@example.org"));

  write_stack("two");
  repository.commit();
  const SyncResult refused = sync();
  CHECK(refused.state == SyncResult::State::kUnsigned);
  CHECK_THAT(refused.error, ContainsSubstring("it is not signed"));
  CHECK(hub->status().desired.revision == good);
  report("pi-2");
  run_until([&] { return newest.contains("pi-2"); });
  CHECK(newest["pi-2"].revision() == good);
  CHECK(newest["pi-1"].generation() == 1);
  CHECK(sync().state == SyncResult::State::kUnsigned);

  sign();
  CHECK(sync().state == SyncResult::State::kApplied);
  run_until([&] { return newest["pi-1"].revision() == repository.head(); });

  const std::string other = directory / "other";
  run({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other});
  allow(other + ".pub");
  stop_hub();
  start_hub();
  CHECK(sync().state != SyncResult::State::kUnsigned);  // what is in force stays so
  write_stack("three");
  repository.commit();
  sign();
  CHECK(sync().state == SyncResult::State::kUnsigned);
  allow(key + ".pub");
  CHECK(sync().state == SyncResult::State::kApplied);
}
