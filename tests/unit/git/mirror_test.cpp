#include "hub/desired/git/mirror.h"

#include <fstream>

#include "common/error.h"
#include "common/file.h"
#include "tests/support/catch.h"
#include "tests/support/git_repository.h"
#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

namespace hivemind::hub::git {
namespace {

using tests::ContainsSubstring;
using tests::GitRepository;
using tests::TemporaryDirectory;

struct Fixture {
  TemporaryDirectory directory;
  GitRepository repository{directory / "repository"};
  std::filesystem::path mirror_directory = directory / "mirror";
  std::filesystem::path store = mirror_directory / "1";  // where the repository itself is
  Mirror mirror{mirror_directory, {.url = repository.url()}};
};

Error error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  return {ErrorCode::kInternal, "nothing was thrown"};
}

TEST_CASE("a fetch brings the branch, and tells whether it changed") {
  Fixture f;
  CHECK(!f.mirror.head());
  const std::string first = f.repository.write("x", "1").commit();
  FetchResult result = f.mirror.fetch();
  CHECK(result.revision == first);
  CHECK(result.changed);
  CHECK(f.mirror.head() == first);
  CHECK(!f.mirror.fetch().changed);
  const std::string second = f.repository.write("x", "2").commit();
  result = f.mirror.fetch();
  CHECK(result.revision == second);
  CHECK(result.changed);
  CHECK(f.mirror.snapshot(first)->read("x", 10) == "1");
  CHECK(f.mirror.snapshot(second)->read("x", 10) == "2");
}

TEST_CASE("a plain path works as an address") {
  Fixture f;
  const std::string commit = f.repository.write("x", "1").commit();
  Mirror mirror(f.directory / "other", {.url = f.repository.path().string()});
  CHECK(mirror.fetch().revision == commit);
}

TEST_CASE("after a restart the last revision is there without the remote") {
  Fixture f;
  const std::string commit = f.repository.write("x", "1").commit();
  f.mirror.fetch();
  std::filesystem::remove_all(f.repository.path());
  Mirror mirror(f.mirror_directory, {.url = f.repository.url()});
  CHECK(mirror.head() == commit);
  CHECK(mirror.snapshot(commit)->read("x", 10) == "1");
  CHECK(error_of([&] { mirror.fetch(); }).code() == ErrorCode::kNotFound);
  CHECK(mirror.head() == commit);
}

TEST_CASE("a fetch in a later process that finds the same revision says that nothing changed") {
  Fixture f;
  f.repository.write("x", "1").commit();
  f.mirror.fetch();
  Mirror mirror(f.mirror_directory, {.url = f.repository.url()});
  CHECK(!mirror.fetch().changed);
}

TEST_CASE("another branch or address does not answer with the old one's revision") {
  Fixture f;
  f.repository.write("x", "1").commit();
  f.mirror.fetch();
  CHECK(!Mirror(f.mirror_directory, {.url = f.repository.url(), .branch = "other"}).head());
  CHECK(!Mirror(f.mirror_directory, {.url = "file:///elsewhere"}).head());
}

TEST_CASE("a forced push is followed") {
  Fixture f;
  const std::string base = f.repository.write("x", "1").commit();
  const std::string lost = f.repository.write("x", "2").commit();
  f.mirror.fetch();
  const auto kept = f.mirror.snapshot(lost);
  f.repository.reset(base);
  const std::string other = f.repository.write("x", "3").commit();
  CHECK(f.mirror.fetch().revision == other);
  CHECK(kept->read("x", 10) == "2");
  CHECK(f.mirror.changed_paths(lost, other) == std::set<std::string>{"x"});
  f.repository.reset(base);
  CHECK(f.mirror.fetch().revision == base);
}

TEST_CASE("only the one branch is fetched, and no tag") {
  Fixture f;
  f.repository.write("x", "1").commit();
  f.repository.make_branch("other");
  const std::string other = f.repository.write("x", "2").commit();
  f.repository.git({"tag", "--annotate", "--message", "t", "v1"});
  f.repository.switch_to("main");
  const std::string main = f.repository.head();
  CHECK(f.mirror.fetch().revision == main);
  CHECK(error_of([&] { f.mirror.snapshot(other); }).code() == ErrorCode::kNotFound);
  CHECK(!std::filesystem::exists(f.store / "FETCH_HEAD"));
}

TEST_CASE("a branch that is missing is told with those that there are") {
  Fixture f;
  f.repository.write("x", "1").commit();
  f.repository.make_branch("feature/x");
  const Error error =
      error_of([&] { Mirror(f.mirror_directory, {.url = f.repository.url(), .branch = "master"}).fetch(); });
  CHECK(error.code() == ErrorCode::kNotFound);
  CHECK_THAT(error.what(), ContainsSubstring("no branch 'master'"));
  CHECK_THAT(error.what(), ContainsSubstring("'feature/x', 'main'"));
}

TEST_CASE("an empty repository is told, and works once it has a commit") {
  Fixture f;
  const Error error = error_of([&] { f.mirror.fetch(); });
  CHECK(error.code() == ErrorCode::kNotFound);
  CHECK_THAT(error.what(), ContainsSubstring("empty"));
  const std::string commit = f.repository.write("x", "1").commit();
  CHECK(f.mirror.fetch().revision == commit);
}

TEST_CASE("an emptied repository keeps the last revision readable") {
  Fixture f;
  const std::string commit = f.repository.write("x", "1").commit();
  f.mirror.fetch();
  f.repository.git({"update-ref", "-d", "refs/heads/main"});
  CHECK(error_of([&] { f.mirror.fetch(); }).code() == ErrorCode::kNotFound);
  CHECK(f.mirror.head() == commit);
  CHECK(f.mirror.snapshot(commit)->read("x", 10) == "1");
}

TEST_CASE("a repository that is not there, and one that is none, are told") {
  Fixture f;
  std::filesystem::create_directories(f.directory / "plain");
  for (const std::string name : {"nothing", "plain"}) {
    const Error error = error_of([&] { Mirror(f.mirror_directory, {.url = f.directory / name}).fetch(); });
    CHECK(error.code() == ErrorCode::kNotFound);
    CHECK_THAT(error.what(), ContainsSubstring(name));
  }
}

TEST_CASE("addresses and branches that cannot be used are invalid") {
  Fixture f;
  CHECK(error_of([&] { Mirror(f.mirror_directory, {.url = "ftp://h/x"}).fetch(); }).code() ==
        ErrorCode::kInvalid);
  for (const std::string branch : {"", "a b", "a..b", "*", "a:b", "+x", "/x"}) {
    CAPTURE(branch);
    const Error error =
        error_of([&] { Mirror(f.mirror_directory, {.url = f.repository.url(), .branch = branch}).fetch(); });
    if (branch == "+x") continue;  // a fine name
    CHECK(error.code() == ErrorCode::kInvalid);
  }
}

TEST_CASE("a mirror directory that is garbage is set aside and fetched anew") {
  Fixture f;
  const std::string commit = f.repository.write("x", "1").commit();
  std::filesystem::create_directories(f.store);
  std::ofstream(f.store / "junk") << "junk";
  CHECK(!f.mirror.head());
  CHECK(f.mirror.fetch().revision == commit);
  CHECK(std::filesystem::exists(f.mirror_directory / "corrupt" / "junk"));
  CHECK(f.mirror.snapshot(commit)->read("x", 10) == "1");
}

void for_each_file(const std::filesystem::path& directory,
                   const std::function<void(const std::filesystem::path&)>& call) {
  for (const auto& file : std::filesystem::recursive_directory_iterator(directory)) {
    if (file.is_regular_file()) call(file.path());
  }
}

TEST_CASE("a mirror whose objects are lost or garbled is fetched anew") {
  Fixture f;
  f.repository.write("a/x", std::string(5000, 'x')).commit();
  const std::string commit = f.repository.write("a/y", "y").commit();
  f.mirror.fetch();
  SECTION("lost, found when it is fetched") {
    std::filesystem::remove_all(f.store / "objects" / "pack");
  }
  SECTION("garbled, found when it is fetched") {
    for_each_file(f.store / "objects" / "pack", [](const auto& file) {
      std::filesystem::permissions(file, std::filesystem::perms::owner_all);
      std::ofstream(file, std::ios::trunc) << "garbage";
    });
  }
  SECTION("a reference is garbled") {
    for_each_file(f.store / "refs",
                  [](const auto& file) { std::ofstream(file, std::ios::trunc) << "garbage"; });
  }
  SECTION("the configuration is garbled") {
    std::ofstream(f.store / "config", std::ios::trunc) << "[core\nx";
  }
  Mirror mirror(f.mirror_directory, {.url = f.repository.url()});
  const FetchResult result = mirror.fetch();
  CHECK(result.revision == commit);
  CHECK(mirror.snapshot(commit)->read("a/x", 10'000) == std::string(5000, 'x'));
  CHECK(mirror.snapshot(commit)->read("a/y", 10) == "y");
}

TEST_CASE("an object found corrupt while it is read makes the next fetch begin anew") {
  Fixture f;
  const std::string commit = f.repository.write("a/b/x", "x").commit();
  f.mirror.fetch();
  const std::string tree = f.repository.git({"rev-parse", "HEAD:a/b"});
  // The pack is unpacked, so that one object of it can be lost.
  tests::Outcome listed;
  for_each_file(f.store / "objects" / "pack", [&](const auto& file) {
    if (file.extension() != ".pack") return;
    std::filesystem::rename(file, f.directory / "p.pack");
    tests::run({"sh", "-c", "git -C \"$0\" unpack-objects -q < \"$1\"", f.store, f.directory / "p.pack"});
  });
  std::filesystem::remove_all(f.store / "objects" / "pack");
  REQUIRE(std::filesystem::remove(f.store / "objects" / tree.substr(0, 2) / tree.substr(2)));
  Mirror mirror(f.mirror_directory, {.url = f.repository.url()});
  const auto files = mirror.snapshot(commit);
  CHECK(error_of([&] { files->entry("a/b/x"); }).code() == ErrorCode::kCorrupt);
  CHECK(mirror.fetch().revision == commit);
  CHECK(mirror.snapshot(commit)->read("a/b/x", 10) == "x");
}

TEST_CASE("many fetches do not pile up packs, and lose nothing") {
  Fixture f;
  std::vector<std::string> commits;
  for (int i = 0; i < 60; ++i) {
    commits.push_back(f.repository.write("x", std::to_string(i)).commit());
    if (i % 20 == 19) f.repository.reset(commits[static_cast<std::size_t>(i - 5)]);
    f.mirror.fetch();
  }
  std::size_t packs = 0;
  for_each_file(f.store / "objects", [&](const auto& file) { packs += file.extension() == ".pack" ? 1 : 0; });
  CHECK(packs <= 20);
  CHECK(packs > 0);
  CHECK(f.mirror.snapshot(commits[0])->read("x", 10) == "0");
  CHECK(f.mirror.snapshot(commits[40])->read("x", 10) == "40");
  // What a forced push has left behind went with its pack.
  CHECK(error_of([&] { f.mirror.snapshot(commits[19]); }).code() == ErrorCode::kNotFound);
}

TEST_CASE("a fetch that was killed leaves nothing that stays") {
  Fixture f;
  f.repository.write("x", "1").commit();
  f.mirror.fetch();
  const std::filesystem::path leftover = f.store / "objects" / "pack" / "tmp_pack_x";
  std::ofstream(leftover) << "half a pack";
  Mirror mirror(f.mirror_directory, {.url = f.repository.url()});
  mirror.fetch();
  CHECK(!std::filesystem::exists(leftover));
}

TEST_CASE("a commit is described in one line that a terminal can be shown") {
  Fixture f;
  const std::string commit = f.repository.write("x", "1").commit("subject \x1b[31mred\n\nbody");
  f.mirror.fetch();
  const std::string text = f.mirror.describe(commit);
  CHECK_THAT(text, ContainsSubstring("Ada Lovelace, 20"));
  CHECK_THAT(text, ContainsSubstring(": subject [31mred"));
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(f.mirror.describe(std::string(40, 'a')).empty());
  CHECK(f.mirror.describe("nonsense").empty());
}

TEST_CASE("a cancelled mirror fetches no more") {
  Fixture f;
  f.repository.write("x", "1").commit();
  f.mirror.cancel();
  CHECK(error_of([&] { f.mirror.fetch(); }).code() == ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace hivemind::hub::git
