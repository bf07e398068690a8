#include "agent/apply/files.h"

#include <fstream>

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/digest.h"
#include "common/error.h"
#include "common/file.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/apply/killed.h"

using namespace hivemind;
using namespace hivemind::agent;
using namespace hivemind::tests;

namespace {

using Contents = std::map<std::string, std::string>;

// A stack with one mount of what the node is not to write to.
DesiredStack stack_of(const std::map<std::string, std::string>& files, Contents& contents) {
  DesiredStack stack;
  stack.name = "web";
  DesiredMount mount;
  mount.target = "/etc/app";
  mount.source = "conf";
  mount.access = Access::kReadOnly;
  for (const auto& [path, text] : files) {
    contents[sha256_hex(text)] = text;
    mount.files.push_back({path, sha256_hex(text), 0644});
  }
  stack.services.emplace_back().mounts.push_back(std::move(mount));
  return stack;
}

DesiredMount& mount_of(DesiredStack& stack) {
  return stack.services[0].mounts[0];
}

// A node whose stack 'web' mounts those files.
struct Node {
  TemporaryDirectory directory;
  Files files{directory.path()};
  Contents contents;

  void place(DesiredStack& stack) const { files.place(stack, mount_of(stack), contents); }
  std::filesystem::path source(DesiredStack& stack) const { return files.source_of("web", mount_of(stack)); }
};

ino_t inode(const std::filesystem::path& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_ino;
}

void write(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path) << text;
}

std::size_t entries_in(const std::filesystem::path& directory) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory), {}));
}

}  // namespace

TEST_CASE("files are placed with their content and their permissions, once") {
  Node node;
  DesiredStack stack = stack_of({{"a.conf", "one"}, {"d/run.sh", "two"}}, node.contents);
  mount_of(stack).files[1].mode = 0755;
  node.place(stack);
  const auto source = node.source(stack);
  CHECK(read_file(source / "a.conf") == "one");
  CHECK(read_file(source / "d/run.sh") == "two");
  CHECK((std::filesystem::status(source / "d/run.sh").permissions() == std::filesystem::perms(0755)));
  CHECK((std::filesystem::status(source / "d").permissions() == std::filesystem::perms(0755)));
  const ino_t before = inode(source / "a.conf");
  node.place(stack);
  CHECK(inode(source / "a.conf") == before);
}

TEST_CASE("a directory is exactly its files: what was changed, cut short, added or replaced is put right") {
  Node node;
  DesiredStack stack = stack_of({{"a.conf", "one"}, {"d/b", "two"}, {"e/c", "three"}}, node.contents);
  node.place(stack);
  const auto source = node.source(stack);
  write(source / "a.conf", "o");
  write(source / "extra", "x");
  std::filesystem::create_directories(source / "d/more/of/it");
  std::filesystem::permissions(source / "d/b", std::filesystem::perms(0600));
  std::filesystem::remove_all(source / "e");
  std::filesystem::create_directory_symlink("/", source / "e");
  node.place(stack);
  CHECK(read_file(source / "a.conf") == "one");
  CHECK((std::filesystem::status(source / "d/b").permissions() == std::filesystem::perms(0644)));
  CHECK(std::filesystem::is_directory(std::filesystem::symlink_status(source / "e")));
  CHECK(read_file(source / "e/c") == "three");
  CHECK(entries_in(source) == 3);
  CHECK(entries_in(source / "d") == 1);
}

TEST_CASE("content that was only half made before a crash is made anew, and never seen under its name") {
  Node node;
  DesiredStack stack = stack_of({{"a.conf", "one"}}, node.contents);
  const auto files = node.directory.path() / "stacks/web/files";
  std::filesystem::create_directories(files / ".new");
  write(files / ".new/stale", "x");
  write(files / "file.new", "x");
  node.place(stack);
  CHECK(entries_in(node.source(stack)) == 1);
  CHECK(entries_in(files) == 1);
}

TEST_CASE("content is whole or not there, whenever the agent is killed") {
  int n = 1;
  for (bool was_killed = true; was_killed; ++n) {
    INFO("killed before change " << n);
    Node node;
    DesiredStack stack = stack_of({{"a.conf", "one"}, {"d/b", "two"}}, node.contents);
    was_killed = killed_before_change(n, [&] { node.place(stack); });
    const auto source = node.source(stack);
    if (std::filesystem::exists(source)) {
      CHECK(read_file(source / "a.conf") == "one");
      CHECK(read_file(source / "d/b") == "two");
    }
    node.place(stack);
    CHECK(read_file(source / "d/b") == "two");
    CHECK(entries_in(source) == 2);
  }
  CHECK(n > 10);
}

TEST_CASE("a full disk is told with the path, and placing goes on when there is room") {
  const TemporaryDirectory place;
  if (::mount("hivemind-test", place.path().c_str(), "tmpfs", 0, "size=256k") != 0) {
    WARN("no file system of its own for this test (needs root)");
    return;
  }
  const Files files(place.path());
  Contents contents;
  DesiredStack stack = stack_of({{"big", std::string(100'000, 'b')}, {"small", "s"}}, contents);
  mount_of(stack).access = GENERATE(Access::kReadOnly, Access::kReadWrite);
  write(place.path() / "filler", std::string(200'000, 'x'));
  ErrorCode code = ErrorCode::kInternal;
  std::string text;
  try {
    files.place(stack, mount_of(stack), contents);
  } catch (const Error& error) {
    code = error.code();
    text = error.what();
  }
  CHECK(code == ErrorCode::kExhausted);
  CHECK_THAT(text, ContainsSubstring("big'"));
  std::filesystem::remove(place.path() / "filler");
  CHECK_NOTHROW(files.place(stack, mount_of(stack), contents));
  CHECK(files.tend(stack, contents).empty());
  ::umount2(place.path().c_str(), MNT_DETACH);
}

TEST_CASE("files of unusual names are placed") {
  Node node;
  const std::string names[] = {"with space", "new\nline", "col:on", "\xc3\xa9",
                               "-rf",        ".hidden",   "a.new",  "quo'te"};
  std::map<std::string, std::string> listing;
  for (const std::string& name : names) listing[name + "/" + name] = name;
  DesiredStack stack = stack_of(listing, node.contents);
  node.place(stack);
  for (const std::string& name : names) CHECK(read_file(node.source(stack) / name / name) == name);
  mount_of(stack).access = Access::kReadWrite;
  node.place(stack);
  for (const std::string& name : names) CHECK(read_file(node.source(stack) / name / name) == name);
}

TEST_CASE("an owner is given where the agent may, and else the path and the reason are told") {
  Node node;
  DesiredStack stack = stack_of({{"key", "secret"}}, node.contents);
  mount_of(stack).access = GENERATE(Access::kReadOnly, Access::kReadWrite);
  mount_of(stack).files[0].mode = 0400;
  mount_of(stack).files[0].uid = 1234;
  mount_of(stack).files[0].gid = 4321;
  if (::geteuid() == 0) {
    node.place(stack);
    struct stat status {};
    REQUIRE(::stat((node.source(stack) / "key").c_str(), &status) == 0);
    CHECK(status.st_uid == 1234);
    CHECK(status.st_gid == 4321);
    CHECK((status.st_mode & 07777) == 0400);
  } else {
    CHECK_THROWS_AS(node.place(stack), Error);
    CHECK(!std::filesystem::exists(node.source(stack) / "key"));
  }
}

TEST_CASE("another content has another place, and the old one goes when nothing needs it") {
  Node node;
  DesiredStack old = stack_of({{"a.conf", "one"}}, node.contents);
  DesiredStack next = stack_of({{"a.conf", "two"}}, node.contents);
  node.place(old);
  node.place(next);
  CHECK(node.source(old) != node.source(next));
  node.files.prune(next);
  CHECK(!std::filesystem::exists(node.source(old)));
  CHECK(std::filesystem::exists(node.source(next)));
  CHECK(node.files.stacks() == std::set<std::string>{"web"});
}

TEST_CASE("a single file is mounted itself") {
  Node node;
  DesiredStack stack = stack_of({{"a.conf", "one"}}, node.contents);
  mount_of(stack).single = true;
  mount_of(stack).source = "etc/a.conf";
  CHECK(node.source(stack).filename() == "a.conf");
  mount_of(stack).access = Access::kReadWrite;
  CHECK(node.source(stack) == node.directory.path() / "stacks/web/data/etc/a.conf");
}

TEST_CASE("data directories stay when no service of the stack mounts them any more") {
  Node node;
  DesiredStack stack = stack_of({}, node.contents);
  mount_of(stack).source = "state/db";
  node.place(stack);
  CHECK(node.source(stack) == node.directory.path() / "stacks/web/data/state/db");
  node.files.prune(stack_of({}, node.contents));
  CHECK(std::filesystem::is_directory(node.directory.path() / "stacks/web/data/state/db"));
  CHECK(node.files.tend(stack, {}).empty());
}

TEST_CASE("content that is missing or another one is refused") {
  Node node;
  DesiredStack stack = stack_of({{"a.conf", "one"}}, node.contents);
  mount_of(stack).access = GENERATE(Access::kReadOnly, Access::kReadWrite);
  CHECK_THROWS_AS(node.files.place(stack, mount_of(stack), {}), Error);
  node.contents.begin()->second = "forged";
  CHECK_THROWS_AS(node.place(stack), Error);
  CHECK(!std::filesystem::exists(node.source(stack) / "a.conf"));
}
