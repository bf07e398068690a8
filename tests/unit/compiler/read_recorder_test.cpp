#include "hub/desired/read_recorder.h"

#include "tests/support/catch.h"
#include "tests/support/memory_snapshot.h"

namespace hivemind::hub {
namespace {

using tests::MemorySnapshot;

// Whether the snapshot looks different after a change, asked in both ways.
bool differs(const Reads& reads, const MemorySnapshot& now, const std::set<std::string>& changed) {
  const bool told = reads.differ(now, changed);
  CHECK(told == reads.differ(now, std::nullopt));
  return told;
}

}  // namespace

TEST_CASE("a file that was read counts, another does not") {
  MemorySnapshot snapshot{{"a", "1"}, {"b", "1"}};
  Reads reads;
  ReadRecorder(snapshot, reads).read("a", 10);
  CHECK_FALSE(differs(reads, snapshot.file("b", "2"), {"b"}));
  CHECK(differs(reads, snapshot.file("a", "2"), {"a"}));
}

TEST_CASE("a file that was looked for and not found counts when it comes") {
  MemorySnapshot snapshot;
  Reads reads;
  ReadRecorder(snapshot, reads).entry("d/a");
  CHECK_FALSE(differs(reads, snapshot.file("d/b", ""), {"d/b"}));
  CHECK(differs(reads, snapshot.file("d/a", ""), {"d/a"}));
}

TEST_CASE("a directory that was listed counts with all below it, one on the way does not") {
  MemorySnapshot snapshot{{"d/e/a", "1"}};
  Reads listed;
  ReadRecorder(snapshot, listed).list("d");
  Reads passed;
  ReadRecorder(snapshot, passed).entry("d");
  snapshot.file("d/e/a", "2");
  CHECK(differs(listed, snapshot, {"d/e/a"}));
  CHECK_FALSE(differs(passed, snapshot, {"d/e/a"}));
}

TEST_CASE("a directory that becomes a file or goes away counts") {
  MemorySnapshot snapshot{{"d/a", "1"}};
  Reads reads;
  ReadRecorder(snapshot, reads).entry("d");
  snapshot.remove("d/a");
  CHECK(differs(reads, snapshot, {"d/a"}));
  snapshot.file("d", "");
  CHECK(differs(reads, snapshot, {"d", "d/a"}));
}

TEST_CASE("a directory that becomes a link takes along what was below it") {
  MemorySnapshot snapshot{{"d/a", "1"}};
  Reads reads;
  ReadRecorder(snapshot, reads).read("d/a", 10);
  snapshot.remove("d/a").symlink("d", "e");
  CHECK(reads.differ(snapshot, std::set<std::string>{"d"}));
}

TEST_CASE("links on the way to a file count") {
  MemorySnapshot snapshot{{"e/a", "1"}, {"f/a", "1"}};
  snapshot.symlink("d", "e");
  Reads reads;
  CHECK(resolve(ReadRecorder(snapshot, reads), "d/a").path == "e/a");
  CHECK_FALSE(differs(reads, snapshot.file("f/a", "2"), {"f/a"}));
  CHECK(differs(reads, snapshot.symlink("d", "f"), {"d"}));
}

TEST_CASE("a file that is made executable counts") {
  MemorySnapshot snapshot{{"a", "1"}};
  Reads reads;
  ReadRecorder(snapshot, reads).entry("a");
  CHECK(differs(reads, snapshot.executable("a", "1"), {"a"}));
}

}  // namespace hivemind::hub
