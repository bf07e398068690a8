#include "agent/apply/seeds.h"

#include <algorithm>
#include <fstream>

#include <sys/stat.h>

#include "agent/apply/seed_record.h"
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

namespace fs = std::filesystem;

using Listing = std::map<std::string, std::string>;  // content by path

DesiredMount mount_of(const std::string& source, const Listing& listing) {
  DesiredMount mount;
  mount.target = "/" + source;
  mount.source = source;
  for (const auto& [path, text] : listing) mount.files.push_back({path, sha256_hex(text), 0644});
  return mount;
}

// The stack 'web' of a node, whose service 'app' mounts ./conf writable.
class Garden {
 public:
  Garden() : seeds_(directory_.path() / "web") {
    stack_.name = "web";
    stack_.services.emplace_back().name = "app";
  }

  // A commit that has these files there, and no others.
  void commit(const Listing& listing) { commit({mount_of("conf", listing)}, listing); }
  void commit(const std::vector<DesiredMount>& mounts, const Listing& listing) {
    contents_.clear();
    for (const auto& [path, text] : listing) contents_[sha256_hex(text)] = text;
    stack_.services[0].mounts = mounts;
  }
  void place() const {
    for (const DesiredMount& mount : stack_.services[0].mounts) seeds_.place(stack_, mount, contents_);
  }
  void sync(const Listing& listing) {
    commit(listing);
    place();
  }
  // The texts of the notices, a line each.
  std::string tend() const {
    std::string text;
    for (const Notice& notice : seeds_.tend(stack_, contents_)) {
      CHECK(notice.stack == "web");
      CHECK(notice.service == "app");
      CHECK(notice.kind == notice_kinds::kFileKept);
      text += notice.text + "\n";
    }
    return text;
  }

  DesiredMount& mount() { return stack_.services[0].mounts[0]; }
  fs::path home() const { return directory_.path() / "web"; }
  fs::path path(const std::string& name) const { return home() / "data/conf" / name; }
  // What is there; "-" when nothing is.
  std::string at(const std::string& name) const {
    return fs::exists(fs::symlink_status(path(name))) ? read_file(path(name)) : "-";
  }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories(path(name).parent_path());
    std::ofstream(path(name)) << text;
  }

 private:
  TemporaryDirectory directory_;
  Seeds seeds_;
  DesiredStack stack_;
  std::map<std::string, std::string> contents_;
};

}  // namespace

TEST_CASE("a writable directory is seeded, and follows Git where the application leaves it alone") {
  Garden garden;
  garden.sync({{"a", "1"}, {"sub/b", "1"}, {"sub/c", "1"}});
  CHECK(garden.at("a") == "1");
  CHECK(garden.at("sub/b") == "1");
  garden.sync({{"a", "2"}, {"sub/b", "1"}, {"new/d", "1"}});
  CHECK(garden.at("a") == "2");
  CHECK(garden.at("sub/c") == "-");
  CHECK(garden.at("new/d") == "1");
  CHECK(garden.tend() == "");
  garden.sync({{"a", "2"}});
  CHECK_FALSE(fs::exists(garden.path("sub")));
  CHECK_FALSE(fs::exists(garden.path("new")));
}

TEST_CASE("what the application changed stays and is named, until it is removed or Git has the same") {
  Garden garden;
  garden.sync({{"a", "1"}, {"b", "1"}});
  garden.write("a", "mine");
  CHECK_THAT(garden.tend(), ContainsSubstring("'conf/a' stays as the application changed it"));
  garden.sync({{"a", "2"}, {"b", "2"}});
  CHECK(garden.at("a") == "mine");
  CHECK(garden.at("b") == "2");
  CHECK_THAT(garden.tend(), ContainsSubstring("'conf/a' stays as the application changed it"));
  SECTION("the operator removes it") {
    fs::remove(garden.path("a"));
    CHECK(garden.tend() == "");
    CHECK(garden.at("a") == "2");
    garden.sync({{"a", "3"}, {"b", "2"}});
    CHECK(garden.at("a") == "3");
  }
  SECTION("Git gets the same") {
    garden.sync({{"a", "mine"}, {"b", "2"}});
    CHECK(garden.tend() == "");
    garden.sync({{"a", "3"}, {"b", "2"}});
    CHECK(garden.at("a") == "3");
  }
  SECTION("the application takes its change back") {
    garden.write("a", "1");
    CHECK(garden.tend() == "");
    CHECK(garden.at("a") == "2");
  }
  SECTION("Git removes it") {
    garden.sync({{"b", "2"}});
    CHECK(garden.at("a") == "mine");
    CHECK_THAT(garden.tend(), ContainsSubstring("'conf/a' is not in Git any more, and stays"));
    fs::remove(garden.path("a"));
    CHECK(garden.tend() == "");
    CHECK(garden.at("a") == "-");
  }
}

TEST_CASE("what the application made stays and is named, also when Git gets a file of that name") {
  Garden garden;
  garden.sync({{"a", "1"}, {"sub/b", "1"}});
  garden.write("sub/own", "mine");
  garden.write("cache/1", "mine");
  CHECK(garden.tend() == "made by the application, and left alone: 'conf/cache', 'conf/sub/own'\n");
  for (int i = 0; i < 20; ++i) garden.write("sub/" + std::to_string(i), "mine");
  CHECK(garden.tend() == "made by the application, and left alone: 'conf/cache', 'conf/sub/…'\n");
  garden.sync({{"a", "1"}, {"cache/1", "git"}});
  CHECK(garden.at("cache/1") == "mine");
  CHECK(garden.at("sub/own") == "mine");
  CHECK(garden.at("sub/b") == "-");
  CHECK_THAT(garden.tend(), ContainsSubstring("'conf/cache/1' stays as the application made it"));
}

TEST_CASE("what the application removed stays away until Git changes it") {
  Garden garden;
  garden.sync({{"install", "1"}, {"b", "1"}});
  fs::remove(garden.path("install"));
  garden.sync({{"install", "1"}, {"b", "2"}});
  CHECK(garden.at("install") == "-");
  CHECK_THAT(garden.tend(), ContainsSubstring("'conf/install' was removed by the application"));
  garden.sync({{"install", "2"}, {"b", "2"}});
  CHECK(garden.at("install") == "2");
}

TEST_CASE("a directory that was removed on the node is seeded anew") {
  Garden garden;
  garden.sync({{"a", "1"}, {"b", "1"}});
  garden.write("a", "mine");
  fs::remove_all(garden.path(""));
  garden.place();
  CHECK(garden.at("a") == "1");
  CHECK(garden.at("b") == "1");
}

TEST_CASE("permissions and owners that were changed on the node stay, those that Git changes are set") {
  Garden garden;
  garden.sync({{"a", "1"}, {"b", "1"}});
  fs::permissions(garden.path("a"), fs::perms(0600));
  garden.commit({{"a", "2"}, {"b", "1"}});
  garden.mount().files[1].mode = 0755;
  garden.place();
  CHECK(garden.at("a") == "2");
  CHECK((fs::status(garden.path("a")).permissions() == fs::perms(0600)));
  CHECK((fs::status(garden.path("b")).permissions() == fs::perms(0755)));
  CHECK(garden.tend() == "");
}

TEST_CASE("a file becomes a directory and the other way round") {
  Garden garden;
  garden.sync({{"x", "1"}, {"y/z", "1"}});
  garden.sync({{"x/z", "2"}, {"y", "2"}});
  CHECK(garden.at("x/z") == "2");
  CHECK(garden.at("y") == "2");
  garden.write("x/own", "mine");
  garden.sync({{"x", "3"}, {"y", "2"}});
  CHECK(garden.at("x/own") == "mine");
  CHECK_THAT(garden.tend(), ContainsSubstring("'conf/x' stays as the application made it"));
}

TEST_CASE("a symlink of the application's leads the agent nowhere") {
  Garden garden;
  const TemporaryDirectory outside;
  std::ofstream(outside.path() / "passwd") << "root";
  garden.sync({{"a", "1"}, {"sub/passwd", "1"}, {"gone/passwd", "1"}});
  fs::remove(garden.path("a"));
  fs::create_symlink(outside.path() / "passwd", garden.path("a"));
  for (const char* name : {"sub", "gone"}) {
    fs::remove_all(garden.path(name));
    fs::create_directory_symlink(outside.path(), garden.path(name));
  }
  garden.sync({{"a", "2"}, {"sub/passwd", "2"}, {"sub/new", "2"}});
  garden.tend();
  CHECK(read_file(outside.path() / "passwd") == "root");
  CHECK_FALSE(fs::exists(outside.path() / "new"));
  const std::string notices = garden.tend();
  for (const char* path : {"'conf/a' stays", "'conf/sub/passwd' stays", "'conf/sub/new' stays"})
    CHECK_THAT(notices, ContainsSubstring(path));
}

TEST_CASE("content that Git once had and that the symlink's target has is not removed there") {
  Garden garden;
  const TemporaryDirectory outside;
  std::ofstream(outside.path() / "b") << "1";
  garden.sync({{"a", "1"}, {"sub/b", "1"}});
  fs::remove_all(garden.path("sub"));
  fs::create_directory_symlink(outside.path(), garden.path("sub"));
  garden.sync({{"a", "1"}});
  CHECK(fs::exists(outside.path() / "b"));
}

TEST_CASE("a mount's own place that is a symlink is refused") {
  Garden garden;
  const TemporaryDirectory outside;
  fs::create_directories(garden.home() / "data");
  fs::create_directory_symlink(outside.path(), garden.home() / "data/conf");
  const Listing listing = GENERATE(Listing{}, Listing{{"a", "1"}});
  garden.commit(listing);
  try {
    garden.place();
    FAIL("it was placed");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kConflict);
    CHECK_THAT(error.what(), ContainsSubstring("data/conf"));
  }
  CHECK(fs::is_empty(outside.path()));
}

TEST_CASE("pipes and hard links that the application puts in the way are left as they are") {
  Garden garden;
  garden.sync({{"a", "1"}, {"pipe", "1"}});
  fs::create_hard_link(garden.path("a"), garden.path("twin"));
  fs::remove(garden.path("pipe"));
  REQUIRE(::mkfifo(garden.path("pipe").c_str(), 0644) == 0);
  garden.sync({{"a", "2"}, {"pipe", "2"}});
  CHECK(garden.at("a") == "2");
  CHECK(garden.at("twin") == "1");
  CHECK(fs::is_fifo(garden.path("pipe")));
}

TEST_CASE("a single file is seeded under the same rule") {
  Garden garden;
  const auto sync = [&](const std::string& text) {
    DesiredMount mount = mount_of("conf/app.yml", {{"app.yml", text}});
    mount.single = true;
    garden.commit({mount}, {{"app.yml", text}});
    garden.place();
  };
  fs::create_directories(garden.path("app.yml"));  // made when Git had nothing there
  sync("1");
  CHECK(garden.at("app.yml") == "1");
  sync("2");
  CHECK(garden.at("app.yml") == "2");
  garden.write("app.yml", "mine");
  sync("3");
  CHECK(garden.at("app.yml") == "mine");
  CHECK_THAT(garden.tend(), ContainsSubstring("'conf/app.yml' stays as the application changed it"));
  fs::remove(garden.path("app.yml"));
  sync("3");
  CHECK(garden.at("app.yml") == "3");
  fs::remove(garden.path("app.yml"));
  fs::create_directories(garden.path("app.yml/in/the/way"));
  CHECK_THROWS_AS(sync("4"), Error);
}

TEST_CASE("mounts that overlap are one directory") {
  Garden garden;
  const Listing all{{"a", "1"}, {"up/.gitkeep", ""}, {"etc/b", "1"}};
  const DesiredMount outer = mount_of("conf", all);
  const DesiredMount uploads = mount_of("conf/up", {});  // nothing but .gitkeep: no entries
  DesiredMount etc = mount_of("conf/etc", {{"b", "1"}});
  etc.access = Access::kReadOnly;
  etc.shared = true;
  garden.commit({uploads, outer, etc}, all);
  garden.place();
  garden.place();
  CHECK(garden.at("etc/b") == "1");
  CHECK(garden.at("up/.gitkeep") == "");
  garden.write("up/photo", "mine");
  CHECK(garden.tend().empty() == false);
  garden.commit({uploads}, {});
  garden.place();
  CHECK(garden.at("up/photo") == "mine");
  CHECK(garden.at("a") == "1");  // not mounted any more: not looked at
}

TEST_CASE("a new content between two manifests is not written before its service is placed") {
  Garden garden;
  garden.sync({{"a", "1"}});
  garden.commit({{"a", "2"}});
  CHECK(garden.tend() == "");
  CHECK(garden.at("a") == "1");
}

TEST_CASE("a record that is lost or damaged costs nothing that the application made") {
  Garden garden;
  garden.sync({{"a", "1"}, {"b", "1"}});
  garden.write("b", "mine");
  if (GENERATE(true, false)) {
    std::ofstream(garden.home() / "seeds.json") << "{\"format\": 1, \"seeds\": [";
  } else {
    fs::remove(garden.home() / "seeds.json");
  }
  garden.sync({{"a", "1"}, {"b", "2"}});
  CHECK(garden.at("b") == "mine");
  garden.sync({{"a", "2"}, {"b", "2"}});
  CHECK(garden.at("a") == "2");
  CHECK(garden.at("b") == "mine");
}

TEST_CASE("the record and what is under way are out of the container's sight") {
  Garden garden;
  garden.commit({mount_of("", {{"a", "1"}})}, {{"a", "1"}});
  garden.place();
  CHECK(std::distance(fs::directory_iterator(garden.home() / "data"), {}) == 1);
}

// Git changes twice, and the agent is killed during the first change: at the end Git's files are Git's, and
// the application's are the application's.
TEST_CASE("an agent that is killed before any of its calls goes on as if nothing had been") {
  int n = 1;
  for (bool was_killed = true; was_killed; ++n) {
    INFO("killed before change " << n);
    Garden garden;
    garden.sync({{"a", "1"}, {"d/b", "1"}, {"gone", "1"}, {"mine", "1"}});
    garden.write("mine", "mine");
    garden.write("own", "mine");
    garden.commit({{"a", "2"}, {"d/b", "2"}, {"mine", "2"}, {"new/c", "2"}});
    was_killed = killed_before_change(n, [&] { garden.place(); });
    if (n % 2 == 0) garden.tend();
    garden.sync({{"a", "3"}, {"d/b", "2"}, {"mine", "3"}, {"new/c", "3"}});
    CHECK(garden.at("a") == "3");
    CHECK(garden.at("d/b") == "2");
    CHECK(garden.at("new/c") == "3");
    CHECK(garden.at("gone") == "-");
    CHECK(garden.at("mine") == "mine");
    CHECK(garden.at("own") == "mine");
    const std::string notices = garden.tend();
    CHECK(std::ranges::count(notices, '\n') == 2);
    CHECK_THAT(notices, ContainsSubstring("'conf/mine' stays") && ContainsSubstring("'conf/own'"));
  }
  CHECK(n > 10);
}

TEST_CASE("a write that was cut short before its record is not taken for the application's") {
  const SeedVersion one{"1", 1, 0644, {}, {}};
  const SeedVersion two{"2", 1, 0644, {}, {}};
  const SeedVersion three{"3", 1, 0644, {}, {}};
  Seed seed{one, two, false};
  SECTION("the file had been written") {
    want(seed, three, "2");
    CHECK(move_of(seed, "2") == SeedMove::kWrite);
  }
  SECTION("the file had not been written") {
    want(seed, three, "1");
    CHECK(move_of(seed, "1") == SeedMove::kWrite);
  }
  SECTION("the application had changed it") {
    want(seed, three, "");
    CHECK(move_of(seed, "") == SeedMove::kKeep);
  }
  SECTION("Git had only changed its permissions") {
    SeedVersion executable = one;
    executable.mode = 0755;
    seed.wanted = executable;
    want(seed, executable, "1");
    CHECK(move_of(seed, "1") == SeedMove::kWrite);
  }
}
