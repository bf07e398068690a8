#include "tests/unit/compiler/compiling.h"

namespace hivemind::hub {
namespace {

using Changed = std::optional<std::set<std::string>>;

// A fleet of two stacks that is compiled again and again.
struct Repository {
  tests::MemorySnapshot snapshot{{"stacks.yml",
                                  "stacks:\n"
                                  "  - {name: web, compose_file: web/compose.yml, env_file: web/a.env}\n"
                                  "  - {name: db, compose_file: db/compose.yml}\n"},
                                 {"web/compose.yml", image("nginx:$TAG")},
                                 {"web/a.env", "TAG=1\n"},
                                 {"db/compose.yml", image("postgres")},
                                 {"README.md", "hello"}};
  Compiler compiler{""};
  Nodes all = nodes({"a", "b"});

  Compilation compile(const Changed& changed) { return compiler.compile(snapshot, all, changed); }

  Compilation change(const std::string& path, const std::string& content) {
    snapshot.file(path, content);
    return compile(std::set<std::string>{path});
  }
};

}  // namespace

TEST_CASE("a second compilation of the same snapshot compiles nothing") {
  Repository repository;
  const Compilation first = repository.compile(std::nullopt);
  CHECK(first.compiled == 2);
  const std::size_t reads = repository.snapshot.reads();
  for (const Changed& changed : {Changed{}, Changed{std::set<std::string>{}}}) {
    const Compilation second = repository.compile(changed);
    CHECK(second.compiled == 0);
    CHECK(repository.snapshot.reads() == reads);
    CHECK(release(second, "a", "web") == release(first, "a", "web"));
    CHECK(second.diagnostics == first.diagnostics);
  }
}

TEST_CASE("a file that no stack reads compiles nothing") {
  Repository repository;
  repository.compile(std::nullopt);
  CHECK(repository.change("README.md", "changed").compiled == 0);
  CHECK(repository.change("web/unused.yml", "x").compiled == 0);
  CHECK(repository.compile(std::nullopt).compiled == 0);
}

TEST_CASE("a changed Compose file compiles its stack only") {
  Repository repository;
  const Compilation first = repository.compile(std::nullopt);
  const Compilation second = repository.change("db/compose.yml", image("postgres:17"));
  CHECK(second.compiled == 1);
  CHECK(runs(second, "a") == "db=postgres:17 web=nginx:1");
  CHECK(release(second, "a", "web") == release(first, "a", "web"));
}

TEST_CASE("a changed env file compiles its stack only") {
  Repository repository;
  repository.compile(std::nullopt);
  const Compilation second = repository.change("web/a.env", "TAG=2\n");
  CHECK(second.compiled == 1);
  CHECK(runs(second, "b") == "db=postgres web=nginx:2");
}

TEST_CASE("changes are found without being told which") {
  Repository repository;
  repository.compile(std::nullopt);
  repository.snapshot.file("web/a.env", "TAG=2\n");
  const Compilation second = repository.compile(std::nullopt);
  CHECK(second.compiled == 1);
  CHECK(runs(second, "a") == "db=postgres web=nginx:2");
}

TEST_CASE("a change that leaves the content the same leaves the release the same") {
  Repository repository;
  const Compilation first = repository.compile(std::nullopt);
  const Compilation second = repository.change("db/compose.yml", "# a comment\n" + image("postgres"));
  CHECK(second.compiled == 1);
  CHECK(release(second, "a", "db") == release(first, "a", "db"));
}

TEST_CASE("a stack's variables compile it again, its selector does not") {
  Repository repository;
  const Compilation first = repository.compile(std::nullopt);
  const std::string stacks =
      "stacks:\n"
      "  # moved down\n"
      "  - {name: web, compose_file: web/compose.yml, env_file: web/a.env, vars: {TAG: '9', UNREAD: x}}\n"
      "  - {name: db, compose_file: db/compose.yml, nodes: {ids: [a]}}\n";
  const Compilation second = repository.change("stacks.yml", stacks);
  CHECK(second.compiled == 1);
  CHECK(runs(second, "a") == "db=postgres web=nginx:9");
  CHECK(runs(second, "b") == "web=nginx:9");
  CHECK(release(second, "a", "db") == release(first, "a", "db"));
}

TEST_CASE("another list of files in the entry compiles the stack again") {
  Repository repository;
  repository.snapshot.file("web/more.yml", image("nginx:more"));
  repository.compile(std::nullopt);
  const Compilation second = repository.change(
      "stacks.yml",
      "stacks: [{name: web, compose_files: [web/compose.yml, web/more.yml], unset_variables: warn}]");
  CHECK(runs(second, "a") == "web=nginx:more");
}

TEST_CASE("a stack that is no longer listed is gone, and made anew when it returns") {
  Repository repository;
  repository.compile(std::nullopt);
  const std::string stacks = repository.snapshot.read("stacks.yml", 1000);
  const Compilation second =
      repository.change("stacks.yml", "stacks: [{name: db, compose_file: db/compose.yml}]");
  CHECK(runs(second, "a") == "db=postgres");
  CHECK(second.stacks == std::vector<std::string>{"db"});
  CHECK(repository.change("stacks.yml", stacks).compiled == 1);
}

TEST_CASE("a new node with known variables compiles nothing, one with others does") {
  Repository repository;
  repository.change("db/compose.yml", image("postgres:${HIVEMIND_LABEL_V:-16}"));
  repository.all.push_back({"c", {}});
  const std::set<std::string> nothing;
  CHECK(repository.compile(nothing).compiled == 0);
  repository.all.push_back({"d", {{"v", "17"}}});
  const Compilation made = repository.compile(nothing);
  CHECK(made.compiled == 1);
  CHECK(runs(made, "d") == "db=postgres:17 web=nginx:1");
}

TEST_CASE("a file that was missing is noticed when it comes") {
  Repository repository;
  repository.snapshot.remove("web/compose.yml");
  const Compilation first = repository.compile(std::nullopt);
  CHECK(runs(first, "a") == "db=postgres web=-");
  CHECK(has_errors(first.diagnostics));
  const Compilation second = repository.change("web/compose.yml", image("nginx:$TAG"));
  CHECK(runs(second, "a") == "db=postgres web=nginx:1");
  CHECK(second.diagnostics.empty());
}

TEST_CASE("an env file that was missing is noticed when it comes") {
  Repository repository;
  repository.snapshot.remove("web/a.env");
  CHECK(runs(repository.compile(std::nullopt), "a") == "db=postgres web=-");
  CHECK(runs(repository.change("web/a.env", "TAG=5"), "a") == "db=postgres web=nginx:5");
}

TEST_CASE("a file behind a link is noticed when it changes, and so is the link") {
  Repository repository;
  repository.snapshot.file("shared/one.yml", image("one")).file("shared/two.yml", image("two"));
  repository.snapshot.symlink("db/compose.yml", "../shared/one.yml");
  CHECK(runs(repository.compile(std::nullopt), "a") == "db=one web=nginx:1");
  CHECK(runs(repository.change("shared/one.yml", image("changed")), "a") == "db=changed web=nginx:1");
  repository.snapshot.symlink("db/compose.yml", "../shared/two.yml");
  CHECK(runs(repository.compile(std::set<std::string>{"db/compose.yml"}), "a") == "db=two web=nginx:1");
}

TEST_CASE("what changed while stacks.yml was broken is not forgotten") {
  Repository repository;
  const std::string stacks = repository.snapshot.read("stacks.yml", 1000);
  repository.compile(std::nullopt);
  repository.snapshot.file("db/compose.yml", image("postgres:17")).file("stacks.yml", "stacks: [");
  CHECK_FALSE(repository.compile(std::set<std::string>{"db/compose.yml", "stacks.yml"}).valid);
  const Compilation third = repository.change("stacks.yml", stacks);
  CHECK(runs(third, "a") == "db=postgres:17 web=nginx:1");
  CHECK(third.compiled == 1);
}

TEST_CASE("a broken stack leaves the others, and is mended by the commit that mends it") {
  Repository repository;
  repository.compile(std::nullopt);
  const Compilation broken = repository.change("db/compose.yml", "services: [");
  CHECK(broken.valid);
  CHECK(runs(broken, "a") == "db=- web=nginx:1");
  CHECK(broken.compiled == 0);
  const std::set<std::string> nothing;
  CHECK(texts(repository.compile(nothing)) == texts(broken));
  CHECK(runs(repository.change("db/compose.yml", image("postgres")), "a") == "db=postgres web=nginx:1");
}

TEST_CASE("any sequence of changes comes to what a fresh compiler makes of the last state") {
  Repository repository;
  const std::pair<std::string, std::string> changes[] = {
      {"web/a.env", "TAG=$HIVEMIND_NODE"},
      {"db/compose.yml", image("postgres:${TAG-none}")},
      {"web/a.env", "TAG='"},
      {"stacks.yml", "stacks: [{name: db, compose_file: db/compose.yml, vars: {TAG: x}}]"},
      {"stacks.yml", "stacks: {"},
      {"web/a.env", "TAG=7"},
      {"stacks.yml",
       "stacks:\n  - {name: web, compose_file: web/compose.yml, env_file: web/a.env}\n"
       "  - {name: db, compose_file: db/compose.yml, env_file: web/a.env}\n"},
      {"web/compose.yml", "services: {app: {image: 'x:${NOPE?needed}'}}"},
      {"web/a.env", "NOPE=here\n"},
  };
  for (const auto& [path, content] : changes) {
    INFO(path << ": " << content);
    const Compilation made = repository.change(path, content);
    const Compilation fresh = compile(repository.snapshot, repository.all);
    CHECK(texts(made) == texts(fresh));
    CHECK(made.valid == fresh.valid);
    CHECK(made.nodes.size() == fresh.nodes.size());
    for (const auto& [node, assignments] : fresh.nodes) CHECK(runs(made, node) == runs(fresh, node));
  }
}

}  // namespace hivemind::hub
