#include "hub/store/store.h"

#include "common/error.h"
#include "hub/store/directory_lock.h"
#include "hub/store/schema.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;
using namespace hivemind::hub;
using tests::ContainsSubstring;

namespace {

ReleasePtr release(const std::string& stack, const std::string& digest, const std::string& revision,
                   Files files = {}) {
  auto compiled = std::make_shared<CompiledRelease>();
  compiled->release.set_stack(stack);
  compiled->release.set_digest(digest);
  compiled->release.set_revision(revision);
  compiled->files = std::move(files);
  return compiled;
}

RevisionChange first_revision() {
  RevisionChange change;
  change.revision = "r1";
  change.releases = {release("web", "d1", "r1", {{"aa", std::make_shared<const std::string>("hello")}})};
  change.assignments = {{"pi-1", {{"web", "d1"}}}};
  change.manifests = {{"pi-1", 1, "r1", std::string("\0envelope", 9), "sha"}};
  return change;
}

EventBatch batch(const std::string& stream, std::vector<std::uint64_t> sequences) {
  EventBatch result{"pi-1", stream, {}};
  for (const std::uint64_t sequence : sequences) {
    v1::Event& event = result.events.emplace_back();
    event.set_sequence(sequence);
    event.set_kind("stack_running");
    event.set_stack(sequence % 2 == 0 ? "even" : "odd");
  }
  return result;
}

void take(Store& store, EventBatch events) {
  IntakeChange change;
  change.events.push_back(std::move(events));
  store.commit(change);
}

std::string sequences(Store& store, EventQuery query = {}) {
  std::string text;
  for (const StoredEvent& stored : store.events().find(query)) {
    text += (text.empty() ? "" : " ") + std::to_string(stored.event.sequence());
  }
  return text;
}

}  // namespace

TEST_CASE("a revision that was acted on is there after a restart") {
  const tests::TemporaryDirectory directory;
  Store(directory.path()).commit(first_revision());
  Store store(directory.path());
  CHECK(store.acted_revision() == "r1");
  REQUIRE(store.releases().size() == 1);
  const ReleasePtr stored = store.releases().front();
  CHECK(stored->release.revision() == "r1");
  CHECK(*stored->files.at("aa") == "hello");
  REQUIRE(store.assignments().size() == 1);
  CHECK(store.assignments().front().digest == "d1");
  REQUIRE(store.manifests().size() == 1);
  CHECK(store.manifests().front().generation == 1);
  CHECK_FALSE(store.manifests().front().published);
  CHECK(store.envelope("pi-1") == std::string("\0envelope", 9));
}

TEST_CASE("a release without nodes loses its body and files, and keeps its revision") {
  const tests::TemporaryDirectory directory;
  Store store(directory.path());
  store.commit(first_revision());
  RevisionChange change;
  change.revision = "r2";
  change.releases = {release("web", "d2", "r2")};
  change.assignments = {{"pi-1", {{"web", "d2"}}}};
  store.commit(change);
  REQUIRE(store.releases().size() == 1);
  CHECK(store.releases().front()->release.digest() == "d2");
  CHECK(store.first_revision("d1") == std::optional<std::string>("r1"));
  CHECK(store.first_revision("d3") == std::nullopt);

  RevisionChange back = first_revision();
  back.revision = "r3";
  store.commit(back);
  CHECK(*store.releases().front()->files.at("aa") == "hello");
}

TEST_CASE("a manifest is published when its own generation has been acknowledged") {
  const tests::TemporaryDirectory directory;
  Store store(directory.path());
  RevisionChange change = first_revision();
  change.manifests[0].generation = 2;
  store.commit(change);
  IntakeChange acknowledged;
  acknowledged.published = {{"pi-1", 1}};
  store.commit(acknowledged);
  CHECK_FALSE(store.manifests().front().published);
  acknowledged.published = {{"pi-1", 2}};
  store.commit(acknowledged);
  CHECK(store.manifests().front().published);
}

TEST_CASE("what was issued to a node is remembered, the newest ones of it") {
  const tests::TemporaryDirectory directory;
  Store store(directory.path());
  CHECK(store.issue("pi-1", 100) == std::nullopt);
  const auto issue = [&](std::uint64_t generation) {
    RevisionChange change = first_revision();
    change.manifests[0].generation = generation;
    change.manifests[0].issued_at_ms = static_cast<std::int64_t>(generation) * 1000;
    store.commit(change);
  };
  issue(1);
  issue(7);
  CHECK(store.issue("pi-1", 1) == StoredIssue{1, 1000});
  CHECK(store.issue("pi-1", 6) == StoredIssue{1, 1000});
  CHECK(store.issue("pi-1", 7) == StoredIssue{7, 7000});
  CHECK(store.issue("pi-2", 7) == std::nullopt);
  for (std::uint64_t generation = 8; generation < 7 + Store::kIssuesOfNode; ++generation) issue(generation);
  CHECK(store.issue("pi-1", 6) == std::nullopt);
  CHECK(store.issue("pi-1", 7) == StoredIssue{7, 7000});
}

TEST_CASE("a revision that cannot be stored whole is not stored at all") {
  const tests::TemporaryDirectory directory;
  Store store(directory.path());
  sqlite::Database other(directory / "hub.db", sqlite::Durability::kNormal, store_migrations());
  other.run(
      "CREATE TRIGGER fails BEFORE INSERT ON manifests WHEN NEW.node = 'pi-2' BEGIN SELECT RAISE(ABORT, "
      "'no'); END");
  RevisionChange change = first_revision();
  change.manifests.push_back({"pi-2", 1, "r1", "x", "y"});
  CHECK_THROWS_AS(store.commit(change), Error);
  CHECK(store.acted_revision() == "");
  CHECK(store.manifests().empty());
  CHECK(store.assignments().empty());
  CHECK(store.releases().empty());
  store.commit(first_revision());
  CHECK(store.acted_revision() == "r1");
}

TEST_CASE("a node keeps its report when only its presence is stored") {
  const tests::TemporaryDirectory directory;
  Store store(directory.path());
  IntakeChange change;
  change.nodes = {{"pi-1", true, 10, "report"}};
  store.commit(change);
  change.nodes = {{"pi-1", false, 20, std::nullopt}};
  store.commit(change);
  REQUIRE(store.nodes().size() == 1);
  const StoredNode node = store.nodes().front();
  CHECK_FALSE(node.online);
  CHECK(node.seen_at_ms == 20);
  CHECK(node.report == std::optional<std::string>("report"));
}

TEST_CASE("events are stored once, however often they are sent") {
  const tests::TemporaryDirectory directory;
  Store store(directory.path());
  take(store, batch("s", {1, 2}));
  take(store, batch("s", {1, 2, 3}));
  CHECK(sequences(store) == "1 2 3");
  CHECK(store.events().position("pi-1") == std::optional(EventPosition{"s", 3}));
}

TEST_CASE("events behind a gap are left out, to be sent again") {
  const tests::TemporaryDirectory directory;
  Store store(directory.path());
  take(store, batch("s", {1, 2}));
  take(store, batch("s", {4, 5}));
  CHECK(sequences(store) == "1 2");
  CHECK(store.events().position("pi-1") == std::optional(EventPosition{"s", 2}));
  take(store, batch("s", {3, 4, 5}));
  CHECK(sequences(store) == "1 2 3 4 5");
}

TEST_CASE("what a restored hub had stored before is not waited for, as its node has it no more") {
  const tests::TemporaryDirectory directory;
  Store store(directory.path());
  take(store, batch("s", {1, 2}));  // and 3 and 4 behind the backup
  EventBatch rest = batch("s", {7});
  rest.first = 5;
  take(store, rest);  // 5 and 6 are under way
  CHECK(sequences(store) == "1 2");
  CHECK(store.events().position("pi-1") == std::optional(EventPosition{"s", 4}));
  rest = batch("s", {5, 6, 7});
  rest.first = 5;
  take(store, rest);
  take(store, rest);
  CHECK(sequences(store) == "1 2 5 6 7");
  EventBatch again = batch("s", {3, 4, 5, 6, 7, 8});  // an acknowledgement that was lost
  again.first = 3;
  take(store, again);
  CHECK(sequences(store) == "1 2 5 6 7 8");
}

TEST_CASE("a new stream whose first batch is lost waits for it") {
  const tests::TemporaryDirectory directory;
  Store store(directory.path());
  EventBatch second = batch("t", {8, 9});
  second.first = 7;
  take(store, second);
  CHECK(sequences(store).empty());
  EventBatch whole = batch("t", {7, 8, 9});
  whole.first = 7;
  take(store, whole);
  CHECK(sequences(store) == "7 8 9");
}

TEST_CASE("a new stream of a node begins anywhere") {
  const tests::TemporaryDirectory directory;
  Store store(directory.path());
  take(store, batch("s", {1, 2}));
  take(store, batch("t", {7, 8}));
  CHECK(sequences(store) == "1 2 7 8");
  CHECK(store.events().position("pi-1") == std::optional(EventPosition{"t", 8}));
}

TEST_CASE("events are found from a place on, newest first limited, and by stack") {
  const tests::TemporaryDirectory directory;
  Store store(directory.path());
  take(store, batch("s", {1, 2, 3, 4, 5}));
  CHECK(sequences(store, {.limit = 2}) == "4 5");
  CHECK(sequences(store, {.after = 2, .limit = 2}) == "3 4");
  CHECK(sequences(store, {.stack = "even"}) == "2 4");
  CHECK(sequences(store, {.node = "pi-2"}) == "");
  CHECK(store.events().last_id() == 5);
}

TEST_CASE(
    "a node that talks all the time takes no other's past away, and says no more than there is to say") {
  const tests::TemporaryDirectory directory;
  Store store(directory.path());
  EventBatch quiet = batch("q", {1});
  quiet.node = "pi-2";
  take(store, quiet);
  constexpr std::uint64_t kMany = 12'000;
  EventBatch many{"pi-1", "s", {}};
  for (std::uint64_t sequence = 1; sequence <= kMany; ++sequence) {
    v1::Event& event = many.events.emplace_back();
    event.set_sequence(sequence);
    event.set_kind(std::string(5000, 'k'));
  }
  many.events.back().set_text(std::string(EventLog::kMaxTextBytes - 1, 'x') + "äö");
  take(store, many);
  CHECK(store.events().position("pi-1") == std::optional(EventPosition{"s", kMany}));
  CHECK(sequences(store, {.node = "pi-2"}) == "1");
  const auto kept = store.events().find({.after = 0, .limit = 20'000, .node = "pi-1"});
  CHECK(kept.size() <= EventLog::kCapacityOfNode + 1000);
  CHECK(kept.size() >= EventLog::kCapacityOfNode);
  CHECK(kept.back().event.kind().size() == 256);
  CHECK(kept.back().event.text() == std::string(EventLog::kMaxTextBytes - 1, 'x'));
}

TEST_CASE("a data directory serves one hub at a time") {
  const tests::TemporaryDirectory directory;
  {
    const DirectoryLock first(directory / "data");
    try {
      const DirectoryLock second(directory / "data");
      FAIL("a second lock was given");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::kConflict);
      CHECK_THAT(std::string(error.what()), ContainsSubstring("in use by another hub"));
    }
  }
  CHECK_NOTHROW(DirectoryLock(directory / "data"));
}

TEST_CASE("pins are kept over a restart, and go with the commit that outdates them") {
  const tests::TemporaryDirectory directory;
  const Pin index{"sha256:aa", {"linux/amd64", "linux/arm64/v8"}};
  {
    Store store(directory.path());
    store.set_pin({"web", "db"}, "app:1", {"sha256:00", {}});
    store.set_pin({"web"}, "app:1", index);
  }
  Store store(directory.path());
  CHECK(store.pins() == FleetPins{{"db", {{"app:1", {"sha256:00", {}}}}}, {"web", {{"app:1", index}}}});
  RevisionChange change = first_revision();
  change.pins_outdated = {"web", "absent"};
  store.commit(change);
  CHECK(store.pins() == FleetPins{{"db", {{"app:1", {"sha256:00", {}}}}}});
}
