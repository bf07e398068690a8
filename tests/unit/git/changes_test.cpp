#include <chrono>
#include <random>

#include "common/error.h"
#include "hub/desired/git/mirror.h"
#include "tests/support/catch.h"
#include "tests/support/git_repository.h"
#include "tests/support/temporary_directory.h"

namespace hivemind::hub::git {
namespace {

using tests::GitRepository;
using tests::TemporaryDirectory;
using Paths = std::set<std::string>;

struct Fixture {
  TemporaryDirectory directory;
  GitRepository repository{directory / "repository"};
  Mirror mirror{directory / "mirror", {.url = repository.url()}};

  Paths changed(const std::string& from, const std::string& to) {
    mirror.fetch();
    return mirror.changed_paths(from, to);
  }
};

TEST_CASE("what a commit wrote, added, removed and renamed is found") {
  Fixture f;
  f.repository.write("a/one", "1").write("a/two", "2").write("b/c/three", "3").write("keep/x", "x");
  const std::string from = f.repository.commit();
  f.repository.write("a/one", "changed")
      .remove("a/two")
      .rename("b/c/three", "b/d/three")
      .write("new/deep/file", "");
  const std::string to = f.repository.commit();
  const Paths expected = {"a/one", "a/two", "b/c/three", "b/d/three", "new/deep/file"};
  CHECK(f.changed(from, to) == expected);
  CHECK(f.changed(to, from) == expected);
  CHECK(f.changed(from, from).empty());
}

TEST_CASE("a directory that came or went gives all that is below it") {
  Fixture f;
  f.repository.write("x", "");
  const std::string from = f.repository.commit();
  f.repository.write("d/a", "").write("d/e/b", "").write("d/e/f/c", "");
  const std::string to = f.repository.commit();
  CHECK(f.changed(from, to) == Paths{"d/a", "d/e/b", "d/e/f/c"});
}

TEST_CASE("a file that becomes a directory is both") {
  Fixture f;
  f.repository.write("x", "file").write("x-y", "").write("x.y", "");
  const std::string from = f.repository.commit();
  f.repository.remove("x").write("x/below", "");
  const std::string to = f.repository.commit();
  CHECK(f.changed(from, to) == Paths{"x", "x/below"});
}

TEST_CASE("a changed mode is a change") {
  Fixture f;
  f.repository.write("run.sh", "").write("link", "target");
  const std::string from = f.repository.commit();
  f.repository.make_executable("run.sh").remove("link").link("link", "target");
  const std::string to = f.repository.commit();
  CHECK(f.changed(from, to) == Paths{"link", "run.sh"});
}

TEST_CASE("random commits give what 'git diff' gives") {
  Fixture f;
  std::mt19937 random(7);
  const auto pick = [&](int n) { return std::to_string(random() % static_cast<unsigned>(n)); };
  std::string before;
  for (int round = 0; round < 12; ++round) {
    for (int i = 0; i < 12; ++i) {
      const std::string directory = "d" + pick(4) + "/e" + pick(3);
      if (random() % 4 == 0) {
        f.repository.remove(directory);
      } else {
        f.repository.write(directory + "/f" + pick(5), pick(3));
      }
    }
    const std::string after = f.repository.commit();
    if (!before.empty()) {
      Paths expected;
      std::string text = f.repository.git({"diff", "--name-only", "--no-renames", before, after}) + "\n";
      for (std::size_t at = 0; (at = text.find('\n')) != std::string::npos; text.erase(0, at + 1)) {
        if (at > 0) expected.insert(text.substr(0, at));
      }
      CHECK(f.changed(before, after) == expected);
    }
    before = after;
  }
}

TEST_CASE("a commit that is not there is told") {
  Fixture f;
  f.repository.write("x", "");
  const std::string commit = f.repository.commit();
  f.mirror.fetch();
  for (const std::string& other : {std::string(40, 'a'), std::string("main"), std::string()}) {
    try {
      f.mirror.changed_paths(commit, other);
      FAIL("compared with what is not there");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::kNotFound);
    }
  }
}

}  // namespace
}  // namespace hivemind::hub::git
