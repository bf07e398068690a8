#include "hub/desired/directory_snapshot.h"

#include <fstream>

#include <sys/stat.h>

#include "common/error.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

namespace hivemind::hub {
namespace {

using tests::TemporaryDirectory;

void write(const std::filesystem::path& file, const std::string& content) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << content;
}

TEST_CASE("a directory is listed in order, without '.git' and without what is no file") {
  const TemporaryDirectory root;
  write(root / "b.yml", "b");
  write(root / "a/x", "x");
  write(root / ".git/config", "secret");
  write(root / "a/.git", "gitdir: elsewhere");
  ::mkfifo((root / "pipe").c_str(), 0600);
  std::filesystem::create_symlink("b.yml", root / "link");
  const DirectorySnapshot files(root.path());
  const std::vector<Entry> entries = files.list("");
  REQUIRE(entries.size() == 3);
  CHECK(entries[0].path == "a");
  CHECK(entries[0].kind == EntryKind::kDirectory);
  CHECK(entries[1].path == "b.yml");
  CHECK(entries[1].kind == EntryKind::kFile);
  CHECK(entries[2].path == "link");
  CHECK(entries[2].kind == EntryKind::kSymlink);
  CHECK(files.list("a").size() == 1);
  CHECK(files.list("a").front().path == "a/x");
  CHECK(files.entry(".git/config").kind == EntryKind::kAbsent);
  CHECK(files.revision() == "working-tree");
}

TEST_CASE("a file is read up to the limit") {
  const TemporaryDirectory root;
  write(root / "file", std::string(100, 'x'));
  std::filesystem::create_symlink("target", root / "link");
  const DirectorySnapshot files(root.path());
  CHECK(files.read("file", 100).size() == 100);
  CHECK(files.read("link", 100) == "target");
  try {
    files.read("file", 99);
    FAIL("a file above the limit was read");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kExhausted);
  }
  CHECK_THROWS_AS(files.read("nothing", 100), Error);
}

TEST_CASE("nothing outside of the directory can be read") {
  const TemporaryDirectory outside;
  write(outside / "secret", "s");
  const TemporaryDirectory root;
  std::filesystem::create_symlink(outside.path(), root / "out");
  std::filesystem::create_symlink(outside / "secret", root / "secret");
  const DirectorySnapshot files(root.path());
  const std::string up = "../" + outside.path().filename().string() + "/secret";
  CHECK(files.entry("out/secret").kind == EntryKind::kAbsent);
  CHECK(files.list("out").empty());
  CHECK(files.entry(up).kind == EntryKind::kAbsent);
  CHECK_THROWS_AS(files.read(up, 100), Error);
  CHECK_THROWS_AS(files.read("out/secret", 100), Error);
  CHECK(files.read("secret", 100) == (outside / "secret").string());  // the link itself, not what it leads to
  CHECK_THROWS_AS(resolve(files, "secret"), Error);
  CHECK_THROWS_AS(resolve(files, "out/secret"), Error);
}

TEST_CASE("ids change when the content does") {
  const TemporaryDirectory root;
  write(root / "a/b/file", "one");
  const std::string file = DirectorySnapshot(root.path()).entry("a/b/file").id;
  const std::string directory = DirectorySnapshot(root.path()).entry("a").id;
  CHECK(DirectorySnapshot(root.path()).entry("a").id == directory);
  write(root / "a/b/file", "two!");
  CHECK(DirectorySnapshot(root.path()).entry("a/b/file").id != file);
  CHECK(DirectorySnapshot(root.path()).entry("a").id != directory);
}

TEST_CASE("a directory that is not there is told") {
  CHECK_THROWS_AS(DirectorySnapshot("/nonexistent/hivemind"), Error);
}

}  // namespace
}  // namespace hivemind::hub
