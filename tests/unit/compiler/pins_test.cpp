#include "tests/unit/compiler/compiling.h"

namespace hivemind::hub {
namespace {

const std::string kOne = "sha256:" + std::string(64, '1');
const std::string kTwo = "sha256:" + std::string(64, '2');

// A repository with the stack 'web', which is pinned, and 'db', which is not.
struct Repository {
  Repository() {
    snapshot
        .file("stacks.yml",
              "stacks:\n  - {name: web, compose_file: web/compose.yml, pin: true}\n"
              "  - {name: db, compose_file: db/compose.yml}\n")
        .file("web/compose.yml", image("nginx:1"))
        .file("db/compose.yml", image("postgres:16"));
  }
  Compilation compile() { return compiler.compile(snapshot, all, std::nullopt, &known); }

  tests::MemorySnapshot snapshot;
  Nodes all = nodes({"a"});
  KnownPins known;
  Compiler compiler{""};
};

std::vector<std::string> wanted(const Compilation& made) {
  std::vector<std::string> references;
  for (const PinRequest& one : made.pins_wanted) references.push_back(one.stack + " " + one.reference);
  return references;
}

}  // namespace

TEST_CASE("a stack to be pinned has no release before its digests are known, and others do not wait for it") {
  Repository repository;
  const Compilation made = repository.compile();
  CHECK(runs(made, "a") == "db=postgres:16 web=-");
  CHECK(wanted(made) == std::vector<std::string>{"web nginx:1"});
  CHECK_FALSE(has_errors(made.diagnostics));
  REQUIRE(made.diagnostics.size() == 1);
  CHECK(
      to_text(made.diagnostics[0]) ==
      "web/compose.yml:3:12: warning: stack 'web': service 'app': image 'nginx:1' has not been resolved to a "
      "digest yet [compose.pin-pending]");
}

TEST_CASE("a pinned image has its digest behind its tag, in the body as well") {
  Repository repository;
  repository.compile();
  repository.known.pins["web"]["nginx:1"] = {kOne, {}};
  const Compilation made = repository.compile();
  CHECK(runs(made, "a") == "db=postgres:16 web=nginx:1@" + kOne);
  CHECK_THAT(release(made, "a", "web")->release.services(0).engine_body(),
             tests::ContainsSubstring("\"Image\":\"nginx:1@" + kOne));
  CHECK(made.pins_wanted.empty());
  CHECK(made.diagnostics.empty());
  CHECK(made.compiled == 1);

  SECTION("as long as the pin stays, nothing is compiled again") {
    CHECK(repository.compile().compiled == 0);
  }
  SECTION("a pin of another stack or reference makes no difference") {
    repository.known.pins["web"]["other:1"] = {kTwo, {}};
    repository.known.pins["db"]["nginx:1"] = {kTwo, {}};
    CHECK(repository.compile().compiled == 0);
  }
  SECTION("another digest makes another release") {
    repository.known.pins["web"]["nginx:1"] = {kTwo, {}};
    CHECK(runs(repository.compile(), "a") == "db=postgres:16 web=nginx:1@" + kTwo);
  }
}

TEST_CASE("every node and environment has the pin of the reference") {
  Repository repository;
  repository.all = nodes({"a", "b", "c"});
  repository.snapshot
      .file("web/compose.yml", image("nginx:$TAG") + "    environment: {NODE: $HIVEMIND_NODE}\n")
      .file("stacks.yml",
            "stacks: [{name: web, compose_file: web/compose.yml, pin: true, vars: {TAG: '1'}}]\n"
            "nodes: {b: {vars: {TAG: '2'}}}\n");
  CHECK(wanted(repository.compile()) == std::vector<std::string>{"web nginx:1", "web nginx:2"});
  repository.known.pins["web"] = {{"nginx:1", {kOne, {}}}};
  const Compilation some = repository.compile();
  CHECK(runs(some, "a") == "web=nginx:1@" + kOne);
  CHECK(runs(some, "c") == runs(some, "a"));
  CHECK(runs(some, "b") == "web=-");
  CHECK(some.compiled == 2);  // what lacks nothing that is new is not looked at again
  REQUIRE(some.diagnostics.size() == 1);
  CHECK(some.diagnostics[0].nodes == std::vector<std::string>{"b"});
}

TEST_CASE("what a service says of itself beats the stack") {
  Repository repository;
  repository.snapshot.file("web/compose.yml", image("nginx:1") + "    x-hivemind: {pin: false}\n")
      .file("db/compose.yml", image("postgres:16") + "    x-hivemind: {pin: true}\n");
  CHECK(wanted(repository.compile()) == std::vector<std::string>{"db postgres:16"});
}

TEST_CASE("what 'x-hivemind' of a service does not know is an error with its place") {
  Repository repository;
  repository.snapshot.file("web/compose.yml", image("nginx:1") + "    x-hivemind: {pinn: true}\n");
  const Compilation made = repository.compile();
  REQUIRE(made.diagnostics.size() == 2);
  CHECK(made.diagnostics[0].code == kPinPending);
  CHECK_THAT(to_text(made.diagnostics[1]), tests::ContainsSubstring("web/compose.yml:4:18: error"));
  CHECK_THAT(to_text(made.diagnostics[1]), tests::ContainsSubstring("did you mean 'pin'?"));
}

TEST_CASE("a digest in the reference stays, and an image that is never pulled is not looked for") {
  Repository repository;
  repository.snapshot.file("web/compose.yml", "services:\n  a: {image: 'nginx@" + kTwo +
                                                  "'}\n  b: {image: 'mine:1', pull_policy: never}\n");
  const Compilation made = repository.compile();
  CHECK(made.pins_wanted.empty());
  CHECK(runs(made, "a") == "db=postgres:16 web=nginx@" + kTwo);
}

TEST_CASE("an index without the platform that a service asks for is an error with its place") {
  Repository repository;
  const auto errors_for = [&](const std::string& platform, std::vector<std::string> offered) {
    repository.snapshot.file("web/compose.yml", image("nginx:1") + "    platform: " + platform + "\n");
    repository.known.pins["web"]["nginx:1"] = {kOne, std::move(offered)};
    return texts(repository.compile());
  };
  CHECK(errors_for("linux/arm64", {"linux/amd64", "linux/arm64/v8"}).empty());
  CHECK(errors_for("linux/arm64/v8", {"linux/arm64"}).empty());
  CHECK(errors_for("linux/arm", {"linux/arm/v6", "linux/arm/v7"}).empty());
  CHECK(errors_for("linux/arm/v7", {"linux/arm/v6", "linux/arm/v7"}).empty());
  CHECK(errors_for("linux/arm/v7", {}).empty());  // no index: the engine will say
  const auto missing = errors_for("linux/arm/v7", {"linux/amd64", "linux/arm64"});
  REQUIRE(missing.size() == 1);
  CHECK_THAT(missing[0], tests::ContainsSubstring("web/compose.yml:3:12: error: stack 'web': service 'app': "
                                                  "image 'nginx:1' is not there for platform 'linux/arm/v7', "
                                                  "but for linux/amd64, linux/arm64"));
}

TEST_CASE("a commit that changes what a stack reads outdates its pins, and no others") {
  Repository repository;
  repository.snapshot.file("web/compose.yml", image("nginx:1") + "    volumes: ['./conf:/conf:ro']\n")
      .file("web/conf/a", "1");
  repository.known.pins["web"]["nginx:1"] = {kOne, {}};
  repository.known.changed = std::set<std::string>{};
  REQUIRE(runs(repository.compile(), "a") == "db=postgres:16 web=nginx:1@" + kOne);

  SECTION("a file of another stack") {
    repository.known.changed = {"db/compose.yml", "stacks.yml", "README.md"};
    const Compilation made = repository.compile();
    CHECK(made.pins_outdated == std::set<std::string>{"db"});  // answers that are on their way
    CHECK(runs(made, "a") == "db=postgres:16 web=nginx:1@" + kOne);
  }
  SECTION("its Compose file") {
    repository.known.changed = {"web/compose.yml"};
    const Compilation made = repository.compile();
    CHECK(made.pins_outdated == std::set<std::string>{"web"});
    CHECK(wanted(made) == std::vector<std::string>{"web nginx:1"});
    CHECK(runs(made, "a") == "db=postgres:16 web=-");
  }
  SECTION("a file that it mounts, one that is new in a mounted directory, too") {
    repository.known.changed = {"web/conf/b"};
    CHECK(repository.compile().pins_outdated == std::set<std::string>{"web"});
  }
  SECTION("nobody knows what changed") {
    repository.known.changed = std::nullopt;
    CHECK(repository.compile().pins_outdated == std::set<std::string>{"web"});
  }
}

TEST_CASE("a commit outdates the pins of what it changes that are on their way") {
  Repository repository;
  repository.known.changed = {"db/compose.yml"};
  CHECK_FALSE(repository.compile().pins_outdated.contains("web"));
  repository.known.changed = {"web/compose.yml"};
  const Compilation made = repository.compile();
  CHECK(made.pins_outdated.contains("web"));
  CHECK(wanted(made) == std::vector<std::string>{"web nginx:1"});
}

TEST_CASE("the pins of a stack that is off are outdated") {
  Repository repository;
  repository.known.pins["gone"]["nginx:1"] = {kOne, {}};
  CHECK(repository.compile().pins_outdated == std::set<std::string>{"gone"});
}

TEST_CASE("without a hub images are shown by their tags, with a warning") {
  Repository repository;
  const Compilation made = compile(repository.snapshot, repository.all);
  CHECK(runs(made, "a") == "db=postgres:16 web=nginx:1");
  CHECK_FALSE(has_errors(made.diagnostics));
  REQUIRE(made.diagnostics.size() == 1);
  CHECK(made.diagnostics[0].code == "compose.pin-unresolved");
  CHECK(made.pins_wanted.empty());
}

}  // namespace hivemind::hub
