#include "agent/apply/secret_files.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/secrets/memory_directory.h"
#include "common/error.h"
#include "common/file.h"
#include "tests/support/catch.h"
#include "tests/support/memory_place.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/apply/killed.h"

using namespace hivemind;
using namespace hivemind::agent;
using namespace hivemind::tests;

namespace fs = std::filesystem;

namespace {

const std::string kFirst(32, '1');
const std::string kSecond(32, '2');

DesiredMount mount_of(const std::string& id, const std::string& file = "token") {
  DesiredMount mount;
  mount.target = "/run/secrets/" + file;
  mount.access = Access::kReadOnly;
  mount.single = true;
  DesiredFile entry;
  entry.path = file;
  entry.secret = id;
  entry.mode = 0400;
  mount.files.push_back(entry);
  return mount;
}

struct Node {
  MemoryPlace place;
  std::shared_ptr<const OpenKey> key = std::make_shared<const OpenKey>(OpenKey::generate());
  Vault vault{key};
  SecretFiles files{place.path() / "secrets", "pi-1"};

  Node() {
    vault.learn({{kFirst, {"TOKEN", key->seal_key().seal("the first value")}},
                 {kSecond, {"TOKEN", key->seal_key().seal("the second value")}}});
  }
};

struct stat status_of(const fs::path& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status;
}

DesiredStack stack_with(const std::vector<DesiredMount>& mounts) {
  DesiredStack stack;
  stack.name = "web";
  stack.services.emplace_back().mounts = mounts;
  return stack;
}

}  // namespace

TEST_CASE("a secret is a file with its value, its mode and its owner, below directories of the agent alone") {
  Node node;
  DesiredMount mount = mount_of(kFirst);
  if (::geteuid() == 0) {
    mount.files[0].uid = 1234;
    mount.files[0].gid = 4321;
    mount.files[0].mode = 0440;
  }
  REQUIRE(node.files.trouble().empty());
  node.files.place("web", mount, node.vault);
  const fs::path file = node.files.source_of("web", mount);
  CHECK(read_file(file) == "the first value");
  CHECK_THAT(file.string(), ContainsSubstring(kFirst));
  CHECK(status_of(file).st_uid == mount.files[0].uid.value_or(::geteuid()));
  CHECK(status_of(file).st_gid == mount.files[0].gid.value_or(::getegid()));
  CHECK((status_of(file).st_mode & 07777) == mount.files[0].mode);
  for (fs::path above = file.parent_path(); above != node.place.path(); above = above.parent_path()) {
    CAPTURE(above);
    CHECK((status_of(above).st_mode & 07777) == 0700);
  }
  CHECK(node.files.is_in_place("web", mount));
}

TEST_CASE("what is in place is left alone, and what somebody has changed is put right") {
  Node node;
  const DesiredMount mount = mount_of(kFirst);
  node.files.place("web", mount, node.vault);
  const fs::path file = node.files.source_of("web", mount);
  const ino_t before = status_of(file).st_ino;
  node.files.place("web", mount, node.vault);
  CHECK(status_of(file).st_ino == before);
  SECTION("its mode") {
    fs::permissions(file, fs::perms(0644));
  }
  SECTION("its content") {
    fs::permissions(file, fs::perms(0600));
    write_file_durably(file, "something else.", 0400);
  }
  SECTION("it is gone") {
    fs::remove(file);
  }
  SECTION("an empty directory is in its place, as engines make it") {
    fs::remove(file);
    fs::create_directory(file);
  }
  SECTION("all is gone, as after a reboot") {
    fs::remove_all(node.place.path() / "secrets");
  }
  node.files.place("web", mount, node.vault);
  CHECK(read_file(file) == "the first value");
  CHECK((status_of(file).st_mode & 07777) == 0400);
}

TEST_CASE("another value has another path, and the one before stays until it is pruned") {
  Node node;
  const DesiredMount first = mount_of(kFirst), second = mount_of(kSecond);
  node.files.place("web", first, node.vault);
  node.files.place("web", second, node.vault);
  CHECK(node.files.source_of("web", first) != node.files.source_of("web", second));
  CHECK(read_file(node.files.source_of("web", first)) == "the first value");
  const DesiredStack wanted = stack_with({second});
  node.files.prune("web", &wanted);
  CHECK_FALSE(fs::exists(node.files.source_of("web", first)));
  CHECK(read_file(node.files.source_of("web", second)) == "the second value");
  CHECK(node.files.stacks() == std::set<std::string>{"web"});
  node.files.prune("web", nullptr);
  CHECK(node.files.stacks().empty());
}

TEST_CASE("a value that is not known fails by the secret's name, unless its file is there already") {
  Node node;
  const DesiredMount mount = mount_of(kFirst);
  Vault lost;
  CHECK_THROWS_WITH(node.files.place("web", mount, lost), ContainsSubstring(kFirst));
  node.files.place("web", mount, node.vault);
  node.files.place("web", mount, lost);
  CHECK(read_file(node.files.source_of("web", mount)) == "the first value");
}

TEST_CASE("killed before any change, the next placing has the file there as a whole or not at all") {
  Node node;
  const DesiredMount mount = mount_of(kFirst);
  const fs::path file = node.files.source_of("web", mount);
  int n = 1;
  for (;; ++n) {
    CAPTURE(n);
    fs::remove_all(node.place.path() / "secrets");
    if (!killed_before_change(n, [&] { node.files.place("web", mount, node.vault); })) break;
    if (fs::exists(file)) CHECK(read_file(file) == "the first value");
    node.files.place("web", mount, node.vault);
    REQUIRE(read_file(file) == "the first value");
    REQUIRE((status_of(file).st_mode & 07777) == 0400);
    REQUIRE(std::distance(fs::directory_iterator(file.parent_path().parent_path()), {}) == 1);
  }
  CHECK(n > 4);
}

TEST_CASE("a directory on a disk is no place for secrets, unless a memory file system can be mounted there") {
  const TemporaryDirectory disk;
  if (is_in_memory(disk.path())) {
    WARN("the directory for temporary files is in memory here");
    return;
  }
  const fs::path directory = disk / "secrets";
  const SecretFiles files(directory, "pi-1");
  const std::string trouble = files.trouble();
  if (trouble.empty()) {
    CHECK(is_in_memory(directory));
    struct stat status = status_of(directory);
    CHECK((status.st_mode & 07777) == 0700);
    CHECK(::umount2(directory.c_str(), MNT_DETACH) == 0);
  } else {
    CHECK_THAT(trouble, ContainsSubstring(directory.string()) && ContainsSubstring("--secrets-dir"));
  }
}

TEST_CASE("a directory that somebody else has made for the node is not used") {
  if (::geteuid() != 0) return;
  Node node;
  fs::create_directories(node.place.path() / "secrets/pi-1");
  REQUIRE(::chown((node.place.path() / "secrets/pi-1").c_str(), 1234, 1234) == 0);
  CHECK_THAT(node.files.trouble(), ContainsSubstring("user 1234") && ContainsSubstring("remove it"));
  CHECK_THROWS_AS(node.files.place("web", mount_of(kFirst), node.vault), Error);
}
