#include "common/error.h"
#include "hub/desired/git/mirror.h"
#include "tests/support/catch.h"
#include "tests/support/git_repository.h"
#include "tests/support/temporary_directory.h"

namespace hivemind::hub::git {
namespace {

using tests::GitRepository;
using tests::TemporaryDirectory;

struct Fixture {
  TemporaryDirectory directory;
  GitRepository repository{directory / "repository"};
  Mirror mirror{directory / "mirror", {.url = repository.url()}};

  std::shared_ptr<const Snapshot> snapshot() {
    repository.commit();
    return mirror.snapshot(mirror.fetch().revision);
  }
};

TEST_CASE("a commit's files are read without a work tree") {
  Fixture f;
  f.repository.write("stacks.yml", "stacks: []\n")
      .write("web/run.sh", "#!/bin/sh\n")
      .make_executable("web/run.sh");
  f.repository.link("web/link", "../stacks.yml").write("web.d/x", "").write("empty", "");
  const auto files = f.snapshot();
  CHECK(files->read("stacks.yml", 100) == "stacks: []\n");
  CHECK(files->read("web/link", 100) == "../stacks.yml");
  CHECK(files->read("empty", 100).empty());
  CHECK(files->entry("web").kind == EntryKind::kDirectory);
  CHECK(files->entry("").kind == EntryKind::kDirectory);
  CHECK(files->entry("web/run.sh").kind == EntryKind::kExecutable);
  CHECK(files->entry("web/link").kind == EntryKind::kSymlink);
  CHECK(files->entry("web/link/below").kind == EntryKind::kAbsent);
  CHECK(files->entry("nothing").kind == EntryKind::kAbsent);
  CHECK(files->entry("nothing/below").kind == EntryKind::kAbsent);
  CHECK(resolve(*files, "web/link").path == "stacks.yml");
  CHECK(files->revision() == f.repository.head());
}

TEST_CASE("a directory is listed by path") {
  Fixture f;
  f.repository.write("a/x", "").write("a.b", "").write("a-b", "");
  const std::vector<Entry> entries = f.snapshot()->list("");
  REQUIRE(entries.size() == 3);
  CHECK(entries[0].path == "a");
  CHECK(entries[1].path == "a-b");
  CHECK(entries[2].path == "a.b");
  CHECK(f.mirror.snapshot(*f.mirror.head())->list("a.b").empty());
  CHECK(f.mirror.snapshot(*f.mirror.head())->list("a").front().path == "a/x");
}

TEST_CASE("a file above the limit is refused before it is read") {
  Fixture f;
  f.repository.write("file", std::string(1000, 'x'));
  const auto files = f.snapshot();
  CHECK(files->read("file", 1000).size() == 1000);
  try {
    files->read("file", 999);
    FAIL("read above the limit");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kExhausted);
  }
}

TEST_CASE("symlinks in Git do not lead out of the repository") {
  Fixture f;
  f.repository.link("passwd", "/etc/passwd").link("web/up", "../../etc/passwd").link("a", "b").link("b", "a");
  f.repository.link("web/dir", "..").link("tricky", "web/dir/../etc");
  const auto files = f.snapshot();
  for (const std::string path : {"passwd", "web/up", "a", "web/dir/web/up", "tricky", "../x"}) {
    CAPTURE(path);
    CHECK_THROWS_AS(resolve(*files, path), Error);
  }
  CHECK(resolve(*files, "web/dir/web/dir").kind == EntryKind::kDirectory);
}

TEST_CASE("a submodule is told, not entered") {
  Fixture f;
  f.repository.write("x", "").commit();
  f.repository.git({"update-index", "--add", "--cacheinfo", "160000," + std::string(40, 'a') + ",module"});
  f.repository.git({"commit", "--quiet", "--message", "module"});
  const auto files = f.mirror.snapshot(f.mirror.fetch().revision);
  CHECK(files->entry("module").kind == EntryKind::kSubmodule);
  CHECK_THROWS_AS(files->read("module", 100), Error);
  CHECK(files->list("module").empty());
}

TEST_CASE("names that no work tree could have are absent") {
  Fixture f;
  f.repository.write("file", "x").commit();
  const std::string blob = f.repository.git({"rev-parse", "HEAD:file"});
  const std::string inner = f.repository.git({"rev-parse", "HEAD^{tree}"});
  // hash-object --literally writes what no git command would make: an entry named '..'.
  f.repository.write(
      "tree", std::string("40000 ..") + '\0' + [&] {
        std::string bytes;
        for (std::size_t i = 0; i < 40; i += 2)
          bytes += static_cast<char>(std::stoi(inner.substr(i, 2), nullptr, 16));
        return bytes;
      }());
  const std::string tree = f.repository.git({"hash-object", "-t", "tree", "-w", "--literally", "tree"});
  const std::string commit = f.repository.git({"commit-tree", "-m", "odd", tree});
  f.repository.git({"update-ref", "refs/heads/main", commit});
  const auto files = f.mirror.snapshot(f.mirror.fetch().revision);
  CHECK(files->list("").empty());
  CHECK(files->entry("..").kind == EntryKind::kAbsent);
  CHECK(files->entry("../file").kind == EntryKind::kAbsent);
}

}  // namespace
}  // namespace hivemind::hub::git
