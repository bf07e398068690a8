#include "common/error.h"
#include "hub/desired/snapshot.h"
#include "tests/support/catch.h"
#include "tests/support/memory_snapshot.h"

namespace hivemind::hub {
namespace {

using tests::ContainsSubstring;
using tests::MemorySnapshot;

ErrorCode code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::kInternal;
}

TEST_CASE("a path is taken relative to the directory of the file that names it") {
  CHECK(join_path("", "web/compose.yml") == "web/compose.yml");
  CHECK(join_path("web", "prod.env") == "web/prod.env");
  CHECK(join_path("web", "./prod.env") == "web/prod.env");
  CHECK(join_path("web/site", "../../common//base.yml") == "common/base.yml");
  CHECK(join_path("web", ".") == "web");
  CHECK(join_path("web", "..") == "");
  CHECK(join_path("web", "site/") == "web/site");
}

TEST_CASE("a path that is absolute or leaves the repository is refused") {
  for (const std::string path : {"/etc/passwd", "../x", "web/../../x", "..", "web/../.."}) {
    CAPTURE(path);
    CHECK(code_of([&] { join_path("", path); }) == ErrorCode::kInvalid);
  }
  CHECK(code_of([] { join_path("web", "../../x"); }) == ErrorCode::kInvalid);
  CHECK(code_of([] { join_path("web", std::string("a\0b", 3)); }) == ErrorCode::kInvalid);
}

TEST_CASE("symlinks are followed in the middle and at the end of a path") {
  MemorySnapshot files;
  files.file("shared/base.yml", "x").symlink("web/base.yml", "../shared/base.yml").symlink("alias", "web");
  files.symlink("twice", "alias/base.yml");
  CHECK(resolve(files, "web/base.yml").path == "shared/base.yml");
  CHECK(resolve(files, "alias/base.yml").path == "shared/base.yml");
  CHECK(resolve(files, "twice").path == "shared/base.yml");
  CHECK(resolve(files, "twice").kind == EntryKind::kFile);
  CHECK(resolve(files, "alias").kind == EntryKind::kDirectory);
}

TEST_CASE("'..' after a symlink is taken from where the link leads to") {
  MemorySnapshot files;
  files.file("a/b/c.yml", "").file("a/d.yml", "").file("d.yml", "").symlink("link", "a/b");
  CHECK(resolve(files, "link/../d.yml").path == "a/d.yml");
}

TEST_CASE("what is not there is absent") {
  MemorySnapshot files{{"web/compose.yml", "x"}};
  CHECK(resolve(files, "web/nothing").kind == EntryKind::kAbsent);
  CHECK(resolve(files, "web/compose.yml/below").kind == EntryKind::kAbsent);
  CHECK(resolve(files, "").kind == EntryKind::kDirectory);
}

TEST_CASE("a symlink that leaves the repository is refused") {
  for (const std::string target : {"/etc/passwd", "../../etc/passwd", "../web/../../x", ""}) {
    CAPTURE(target);
    MemorySnapshot files;
    files.symlink("web/link", target);
    CHECK(code_of([&] { resolve(files, "web/link"); }) == ErrorCode::kInvalid);
    CHECK(code_of([&] { resolve(files, "web/link/passwd"); }) == ErrorCode::kInvalid);
  }
}

TEST_CASE("symlinks that turn in circles are refused") {
  MemorySnapshot files;
  files.symlink("a", "b").symlink("b", "a").symlink("self", "self/x");
  CHECK(code_of([&] { resolve(files, "a"); }) == ErrorCode::kInvalid);
  CHECK(code_of([&] { resolve(files, "self"); }) == ErrorCode::kInvalid);
}

}  // namespace
}  // namespace hivemind::hub
