#include "agent/apply/files.h"

#include <fstream>

#include <sys/stat.h>

#include "common/digest.h"
#include "common/error.h"
#include "common/file.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;
using namespace hivemind::agent;
using namespace hivemind::tests;

namespace {

using Contents = std::map<std::string, std::string>;

DesiredMount mount_of(const std::map<std::string, std::string>& files, Contents& contents) {
  DesiredMount mount;
  mount.target = "/etc/app";
  mount.source = "conf";
  for (const auto& [path, text] : files) {
    contents[sha256_hex(text)] = text;
    mount.files.push_back({path, sha256_hex(text), 0644});
  }
  return mount;
}

ino_t inode(const std::filesystem::path& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_ino;
}

}  // namespace

TEST_CASE("files are placed with their content and their permissions, once") {
  const TemporaryDirectory directory;
  const Files files(directory.path());
  Contents contents;
  DesiredMount mount = mount_of({{"a.conf", "one"}, {"d/run.sh", "two"}}, contents);
  mount.files[1].mode = 0755;
  files.place("web", mount, contents);
  const auto source = files.source_of("web", mount);
  CHECK(read_file(source / "a.conf") == "one");
  CHECK(read_file(source / "d/run.sh") == "two");
  CHECK((std::filesystem::status(source / "d/run.sh").permissions() == std::filesystem::perms(0755)));
  const ino_t before = inode(source / "a.conf");
  files.place("web", mount, contents);
  CHECK(inode(source / "a.conf") == before);
}

TEST_CASE("files that were changed by hand or cut short are put right") {
  const TemporaryDirectory directory;
  const Files files(directory.path());
  Contents contents;
  const DesiredMount mount = mount_of({{"a.conf", "one"}}, contents);
  files.place("web", mount, contents);
  std::ofstream(files.source_of("web", mount) / "a.conf") << "o";
  files.place("web", mount, contents);
  CHECK(read_file(files.source_of("web", mount) / "a.conf") == "one");
}

TEST_CASE("another content has another place, and the old one goes when nothing needs it") {
  const TemporaryDirectory directory;
  const Files files(directory.path());
  Contents contents;
  const DesiredMount old = mount_of({{"a.conf", "one"}}, contents);
  const DesiredMount next = mount_of({{"a.conf", "two"}}, contents);
  files.place("web", old, contents);
  files.place("web", next, contents);
  CHECK(files.source_of("web", old) != files.source_of("web", next));
  DesiredStack stack;
  stack.name = "web";
  stack.services.emplace_back();
  stack.services[0].mounts = {next};
  files.prune("web", &stack);
  CHECK(!std::filesystem::exists(files.source_of("web", old)));
  CHECK(std::filesystem::exists(files.source_of("web", next)));
}

TEST_CASE("a single file is mounted itself") {
  Contents contents;
  DesiredMount mount = mount_of({{"a.conf", "one"}}, contents);
  mount.single = true;
  CHECK(Files("/data").source_of("web", mount).filename() == "a.conf");
}

TEST_CASE("data directories stay when the stack goes") {
  const TemporaryDirectory directory;
  const Files files(directory.path());
  DesiredMount mount;
  mount.source = "state/db";
  files.place("web", mount, {});
  CHECK(files.source_of("web", mount) == directory.path() / "stacks/web/data/state/db");
  files.prune("web", nullptr);
  CHECK(std::filesystem::is_directory(directory.path() / "stacks/web/data/state/db"));
}

TEST_CASE("content that is missing or another one is refused") {
  const TemporaryDirectory directory;
  const Files files(directory.path());
  Contents contents;
  const DesiredMount mount = mount_of({{"a.conf", "one"}}, contents);
  CHECK_THROWS_AS(files.place("web", mount, {}), Error);
  contents.begin()->second = "forged";
  CHECK_THROWS_AS(files.place("web", mount, contents), Error);
  CHECK(!std::filesystem::exists(files.source_of("web", mount) / "a.conf"));
}
