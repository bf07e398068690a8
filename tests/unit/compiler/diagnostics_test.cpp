#include "tests/unit/compiler/compiling.h"

namespace hivemind::hub {
namespace {

using tests::ContainsSubstring;

// A service with the hostname.
std::string hosting(const std::string& value) {
  return image("x") + "    hostname: " + value + "\n";
}

tests::MemorySnapshot one_stack(const std::string& compose, const std::string& nodes = "") {
  return {{"stacks.yml", "stacks: [{name: web, compose_file: web.yml}]\n" + nodes}, {"web.yml", compose}};
}

}  // namespace

TEST_CASE("an error that concerns all nodes of a stack stands once, without their names") {
  const Compilation made = compile(one_stack(hosting("${TAG:?give a tag}")), nodes({"a", "b", "c"}));
  REQUIRE(made.diagnostics.size() == 1);
  CHECK(made.diagnostics[0].stack == "web");
  CHECK(made.diagnostics[0].nodes.empty());
  CHECK(made.diagnostics[0].location == Location{"web.yml", 4, 15});
  CHECK(runs(made, "b") == "web=-");
}

TEST_CASE("an error that concerns some nodes names them, and leaves the others") {
  const Compilation made = compile(one_stack(hosting("${TAG:?give a tag}"), "nodes: {b: {vars: {TAG: '1'}}}"),
                                   nodes({"d", "c", "b", "a"}));
  REQUIRE(made.diagnostics.size() == 1);
  CHECK(made.diagnostics[0].nodes == std::vector<std::string>{"a", "c", "d"});
  CHECK_THAT(to_text(made.diagnostics[0]), ContainsSubstring(", for nodes 'a', 'c', 'd' ("));
  CHECK(runs(made, "a") == "web=-");
  CHECK(runs(made, "b") == "web=x");
}

TEST_CASE("many nodes are counted, a single one is named") {
  const std::string lacking = "is not set, for ";
  const auto unset = [](const Nodes& all) {
    return texts(compile(one_stack(hosting("$TAG"), "nodes: {z: {vars: {TAG: '1'}}}"), all)).at(0);
  };
  CHECK_THAT(unset(nodes({"a", "z"})), ContainsSubstring(lacking + "node 'a' ("));
  CHECK_THAT(unset(nodes({"a", "b", "c", "d", "e", "z"})),
             ContainsSubstring(lacking + "nodes 'a', 'b', 'c' and 2 more ("));
}

TEST_CASE("one diagnostic of several outcomes is said once") {
  const Compilation made = compile(one_stack(image("x:$HIVEMIND_NODE$UNSET")), nodes({"a", "b", "c"}));
  REQUIRE(made.diagnostics.size() == 1);
  CHECK(made.diagnostics[0].code == "compose.unset-variable");
  CHECK(made.diagnostics[0].nodes.empty());
  CHECK(made.compiled == 3);
  CHECK(runs(made, "c") == "web=-");
}

TEST_CASE("a variable without value does not hide what else is wrong") {
  const Compilation made =
      compile(one_stack("services:\n  app:\n    image: x:$TAG\n    volumes: ['$DATA:/d']\n    hostnme: h\n"
                        "    build: .\n    depends_on: [db]\n"),
              nodes({"a"}));
  std::string codes;
  for (const Diagnostic& one : made.diagnostics) codes += one.code + " ";
  CHECK(codes ==
        "compose.unset-variable compose.unset-variable compose.unknown-key compose.build-ignored "
        "compose.undefined-service ");
}

TEST_CASE("what is said is sorted by place") {
  const tests::MemorySnapshot snapshot{
      {"stacks.yml", "stacks: [{name: b, compose_file: b.yml}, {name: a, compose_file: a.yml}]"},
      {"a.yml", hosting("h$U1") + "    working_dir: /$U2\n"},
      {"b.yml", hosting("${U3?}")}};
  const Compilation made = compile(snapshot, nodes({"n"}));
  REQUIRE(made.diagnostics.size() == 3);
  CHECK(made.diagnostics[0].location == Location{"a.yml", 4, 15});
  CHECK(made.diagnostics[1].location == Location{"a.yml", 5, 18});
  CHECK(made.diagnostics[2].location == Location{"b.yml", 4, 15});
}

TEST_CASE("a Compose file that is missing is said although no node is selected") {
  const tests::MemorySnapshot snapshot{
      {"stacks.yml", "stacks: [{name: web, compose_file: no.yml, nodes: {ids: [z]}}]"}};
  const Compilation made = compile(snapshot, nodes({"a"}));
  CHECK(made.valid);
  CHECK(has_errors(made.diagnostics));
  CHECK(made.diagnostics.at(0).stack == "web");
}

TEST_CASE("an env file that cannot be read is an error at its stack") {
  tests::MemorySnapshot snapshot{
      {"stacks.yml", "stacks:\n  - {name: web, compose_file: web.yml, env_file: [no.env, d]}\n"},
      {"web.yml", image("x")},
      {"d/x", ""}};
  const Compilation made = compile(snapshot, nodes({"a"}));
  CHECK(texts(made) ==
        std::vector<std::string>{
            "stacks.yml:2:5: error: stack 'web': env file 'd': it is no file (add it, or take it out "
            "of 'env_file') [fleet.env-file]",
            "stacks.yml:2:5: error: stack 'web': env file 'no.env': it is not in the repository (add "
            "it, or take it out of 'env_file') [fleet.env-file]"});
  CHECK(runs(made, "a") == "web=-");
}

TEST_CASE("an env file with wrong lines names file, line and stack") {
  tests::MemorySnapshot snapshot{
      {"stacks.yml", "stacks: [{name: web, compose_file: web.yml, env_file: a.env}]\n"},
      {"web.yml", image("x")},
      {"a.env", "A=1\nB C\n"}};
  const Compilation made = compile(snapshot, nodes({"a", "b"}));
  REQUIRE(made.diagnostics.size() == 1);
  CHECK_THAT(to_text(made.diagnostics[0]), ContainsSubstring("a.env:2: error: stack 'web': key 'B'"));
  CHECK(runs(made, "a") == "web=-");
}

TEST_CASE("what is said of an entry follows it to another line") {
  tests::MemorySnapshot snapshot{
      {"stacks.yml", "stacks:\n  - {name: web, compose_file: web.yml, env_file: no.env}\n"},
      {"web.yml", image("x")}};
  Compiler compiler("");
  compiler.compile(snapshot, nodes({"a"}), std::nullopt);
  snapshot.file("stacks.yml", "# one more line\n" + snapshot.read("stacks.yml", 1000));
  const Compilation made = compiler.compile(snapshot, nodes({"a"}), std::nullopt);
  CHECK(made.diagnostics.at(0).location.line == 3);
}

TEST_CASE("a diagnostic is one line of text") {
  Diagnostic diagnostic{
      .code = "a.b", .location = {"f.yml", 3, 4}, .stack = "web", .service = "db", .message = "wrong"};
  CHECK(to_text(diagnostic) == "f.yml:3:4: error: stack 'web': service 'db': wrong [a.b]");
  diagnostic.remedy = "do right";
  diagnostic.severity = Severity::kWarning;
  diagnostic.location.column = 0;
  CHECK(to_text(diagnostic) == "f.yml:3: warning: stack 'web': service 'db': wrong (do right) [a.b]");
  CHECK_FALSE(has_errors({diagnostic}));
  CHECK(to_text(Diagnostic{.message = "wrong"}) == "error: wrong");
}

}  // namespace hivemind::hub
