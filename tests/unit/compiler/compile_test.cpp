#include <algorithm>

#include "tests/unit/compiler/compiling.h"

namespace hivemind::hub {
namespace {

const std::string kTwoStacks =
    "stacks:\n"
    "  - {name: web, compose_file: web.yml}\n"
    "  - {name: db, compose_file: db.yml}\n";

}  // namespace

TEST_CASE("every node gets the releases of the stacks that select it, sorted by stack") {
  const tests::MemorySnapshot snapshot{{"stacks.yml",
                                        "stacks:\n"
                                        "  - {name: web, compose_file: web.yml}\n"
                                        "  - {name: db, compose_file: db.yml, nodes: {site: berlin}}\n"
                                        "  - {name: off, compose_file: off.yml, enabled: false}\n"
                                        "nodes:\n"
                                        "  b: {labels: {site: berlin}}\n"},
                                       {"web.yml", image("nginx")},
                                       {"db.yml", image("postgres")}};
  const Compilation made =
      compile(snapshot, {{"a", {}}, {"b", {{"site", "ulm"}}}, {"c", {{"site", "berlin"}}}});
  CHECK(texts(made) == std::vector<std::string>{});
  CHECK(made.valid);
  CHECK(made.revision == snapshot.revision());
  CHECK(made.stacks == std::vector<std::string>{"db", "web"});
  CHECK(runs(made, "a") == "web=nginx");
  CHECK(runs(made, "b") == "db=postgres web=nginx");
  CHECK(runs(made, "c") == "db=postgres web=nginx");
}

TEST_CASE("nodes that no stack selects are there with nothing") {
  const Compilation made = compile(tests::MemorySnapshot{{"stacks.yml", "stacks: []"}}, nodes({"a", "b"}));
  CHECK(made.valid);
  CHECK(made.nodes.size() == 2);
  CHECK(made.nodes.at("a").empty());
}

TEST_CASE("a stacks.yml that is absent or broken changes nothing") {
  for (const tests::MemorySnapshot& snapshot :
       {tests::MemorySnapshot{}, tests::MemorySnapshot{{"stacks.yml", "stacks: ["}},
        tests::MemorySnapshot{{"stacks.yml", "stacks: [{name: a}]"}}}) {
    const Compilation made = compile(snapshot, nodes({"a"}));
    CHECK_FALSE(made.valid);
    CHECK(made.nodes.empty());
    CHECK(has_errors(made.diagnostics));
  }
}

TEST_CASE("nodes with equal variables share one release") {
  const tests::MemorySnapshot snapshot{
      {"stacks.yml", kTwoStacks}, {"web.yml", image("nginx")}, {"db.yml", image("postgres")}};
  const Compilation made = compile(snapshot, nodes({"a", "b", "c"}));
  CHECK(made.compiled == 2);
  CHECK(release(made, "a", "web") != nullptr);
  CHECK(release(made, "a", "web") == release(made, "c", "web"));
}

TEST_CASE("only variables that a stack reads make releases differ") {
  const tests::MemorySnapshot snapshot{{"stacks.yml",
                                        "stacks: [{name: web, compose_file: web.yml}]\n"
                                        "nodes:\n"
                                        "  a: {vars: {TAG: '1', OTHER: x}}\n"
                                        "  b: {vars: {TAG: '1', OTHER: y}}\n"
                                        "  c: {vars: {TAG: '2', OTHER: x}}\n"},
                                       {"web.yml", image("nginx:$TAG")}};
  const Compilation made = compile(snapshot, nodes({"a", "b", "c"}));
  CHECK(made.compiled == 2);
  CHECK(release(made, "a", "web") == release(made, "b", "web"));
  CHECK(runs(made, "a") == "web=nginx:1");
  CHECK(runs(made, "c") == "web=nginx:2");
}

TEST_CASE("different variables that come to the same content give one release") {
  const tests::MemorySnapshot snapshot{{"stacks.yml",
                                        "stacks: [{name: web, compose_file: web.yml}]\n"
                                        "nodes: {a: {vars: {X: '1'}}, b: {vars: {X: '2'}}}\n"},
                                       {"web.yml", image("nginx${X:+:stable}")}};
  const Compilation made = compile(snapshot, nodes({"a", "b", "c"}));
  CHECK(runs(made, "a") == "web=nginx:stable");
  CHECK(release(made, "a", "web") == release(made, "b", "web"));
  CHECK(runs(made, "c") == "web=nginx");
}

TEST_CASE(
    "variables of the node win over the stack's, those over env files, and those over what is built in") {
  const tests::MemorySnapshot snapshot{{"stacks.yml",
                                        "stacks:\n"
                                        "  - name: web\n"
                                        "    compose_file: web.yml\n"
                                        "    env_file: [one.env, two.env]\n"
                                        "    vars: {B: stack, C: stack}\n"
                                        "nodes:\n"
                                        "  n: {vars: {C: node}}\n"},
                                       {"one.env", "A=one\nB=one\nC=one\nE=one\nHIVEMIND_STACK=file\n"},
                                       {"two.env", "A=two\nD=$B-$A-$HIVEMIND_NODE\n"},
                                       {"web.yml", image("x:$A.$B.$C.$D.$E.$HIVEMIND_STACK.$HIVEMIND_NODE")}};
  const Compilation made = compile(snapshot, nodes({"n"}));
  CHECK(texts(made) == std::vector<std::string>{});
  CHECK(runs(made, "n") == "web=x:two.stack.node.stack-one-n.one.file.n");
}

TEST_CASE("an env file may depend on the node, and then makes releases differ") {
  const tests::MemorySnapshot snapshot{
      {"stacks.yml", "stacks: [{name: web, compose_file: web.yml, env_file: a.env}]\n"},
      {"a.env", "TAG=of-$HIVEMIND_LABEL_SITE\n"},
      {"web.yml", image("x:$TAG")}};
  const Compilation made =
      compile(snapshot, {{"a", {{"site", "ulm"}}}, {"b", {{"site", "bonn"}}}, {"c", {{"site", "ulm"}}}});
  CHECK(runs(made, "a") == "web=x:of-ulm");
  CHECK(runs(made, "b") == "web=x:of-bonn");
  CHECK(release(made, "a", "web") == release(made, "c", "web"));
  CHECK(made.compiled == 2);
}

TEST_CASE(
    "a variable of the node that an env file overrides when built in is told from one that it does not") {
  // For 'a' the node's own variable wins; for 'b' the built-in one of equal value loses to the env file.
  const tests::MemorySnapshot snapshot{{"stacks.yml",
                                        "stacks: [{name: web, compose_file: web.yml, env_file: a.env}]\n"
                                        "nodes: {a: {vars: {HIVEMIND_STACK: web}}}\n"},
                                       {"a.env", "HIVEMIND_STACK=file\n"},
                                       {"web.yml", image("x:$HIVEMIND_STACK")}};
  const Compilation made = compile(snapshot, nodes({"a", "b"}));
  CHECK(runs(made, "a") == "web=x:web");
  CHECK(runs(made, "b") == "web=x:file");
}

TEST_CASE("labels of stacks.yml win over those of the agent, in selectors and in variables") {
  const tests::MemorySnapshot snapshot{{"stacks.yml",
                                        "stacks: [{name: web, compose_file: web.yml, nodes: {site: bonn}}]\n"
                                        "nodes: {a: {labels: {site: bonn}}}\n"},
                                       {"web.yml", image("x:$HIVEMIND_LABEL_SITE.$HIVEMIND_LABEL_ROOM_NO")}};
  const Compilation made =
      compile(snapshot, {{"a", {{"site", "ulm"}, {"room-no", "7"}}}, {"b", {{"site", "ulm"}}}});
  CHECK(runs(made, "a") == "web=x:bonn.7");
  CHECK(runs(made, "b") == "");
}

TEST_CASE("the revision may be read, and then each commit makes a release") {
  tests::MemorySnapshot snapshot{{"stacks.yml", "stacks: [{name: web, compose_file: web.yml}]"},
                                 {"web.yml", image("x:$HIVEMIND_REVISION")}};
  Compiler compiler("");
  CHECK(runs(compiler.compile(snapshot, nodes({"a"}), std::nullopt), "a") == "web=x:" + std::string(40, '1'));
  snapshot.set_revision(std::string(40, '2'));
  CHECK(runs(compiler.compile(snapshot, nodes({"a"}), std::set<std::string>{}), "a") ==
        "web=x:" + std::string(40, '2'));
}

TEST_CASE("which variables are read may depend on the values of others") {
  const tests::MemorySnapshot snapshot{{"stacks.yml",
                                        "stacks: [{name: web, compose_file: web.yml}]\n"
                                        "nodes:\n"
                                        "  a: {vars: {A: one, B: x}}\n"
                                        "  b: {vars: {A: one, B: y}}\n"
                                        "  c: {vars: {B: x}}\n"
                                        "  d: {vars: {B: y}}\n"},
                                       {"web.yml", image("x:${A:-$B}")}};
  Compiler compiler("");
  const Compilation made = compiler.compile(snapshot, nodes({"c", "a", "b", "d"}), std::nullopt);
  CHECK(runs(made, "a") == "web=x:one");
  CHECK(runs(made, "b") == "web=x:one");
  CHECK(runs(made, "c") == "web=x:x");
  CHECK(runs(made, "d") == "web=x:y");
  CHECK(made.compiled == 3);
  CHECK(compiler.compile(snapshot, nodes({"a", "b", "c", "d"}), std::nullopt).compiled == 0);
}

TEST_CASE("the order of nodes does not matter") {
  const tests::MemorySnapshot snapshot{
      {"stacks.yml", kTwoStacks + "nodes: {b: {vars: {TAG: '2'}}, d: {vars: {TAG: ''}}}"},
      {"web.yml", image("x:${TAG:?give a tag}")},
      {"db.yml", image("y:${TAG-1}$HIVEMIND_NODE")}};
  Nodes all = nodes({"a", "b", "c", "d"});
  const Compilation expected = compile(snapshot, all);
  std::ranges::sort(all, {}, &NodeIdentity::id);
  do {
    const Compilation made = compile(snapshot, all);
    CHECK(made.diagnostics == expected.diagnostics);
    for (const NodeIdentity& node : all) CHECK(runs(made, node.id) == runs(expected, node.id));
  } while (std::ranges::next_permutation(all, {}, &NodeIdentity::id).found);
}

TEST_CASE("paths start at the directory of stacks.yml") {
  const tests::MemorySnapshot snapshot{
      {"prod/stacks.yml", "stacks: [{name: web, compose_file: web.yml, env_file: ../a.env}]"},
      {"prod/web.yml", image("x:$TAG")},
      {"a.env", "TAG=1"}};
  CHECK(runs(Compiler("prod").compile(snapshot, nodes({"a"}), std::nullopt), "a") == "web=x:1");
}

TEST_CASE("profiles of the stack and of COMPOSE_PROFILES choose its services, node by node") {
  const std::string compose =
      "services:\n  app: {image: x}\n  debug: {image: d, profiles: [debug]}\n  extra: {image: e, profiles: "
      "[extra, all]}\n";
  const auto services = [&](const std::string& profiles) {
    const tests::MemorySnapshot snapshot{
        {"stacks.yml", "stacks: [{name: web, compose_file: web.yml" + profiles +
                           "}]\nnodes: {b: {vars: {COMPOSE_PROFILES: 'extra,debug'}}}\n"},
        {"web.yml", compose}};
    const Compilation made = compile(snapshot, nodes({"a", "b"}));
    std::string text;
    for (const char* node : {"a", "b"}) {
      const ReleasePtr one = release(made, node, "web");
      REQUIRE(one);
      for (const auto& service : one->release.services()) text += service.name() + " ";
      text += "| ";
    }
    return text;
  };
  CHECK(services("") == "app | app debug extra | ");
  CHECK(services(", profiles: debug") == "app debug | app debug extra | ");
  CHECK(services(", profiles: [all]") == "app extra | app debug extra | ");
  CHECK(services(", profiles: '*'") == "app debug extra | app debug extra | ");
}

TEST_CASE("a change of a stack's profiles and rule for variables is seen") {
  tests::MemorySnapshot snapshot{
      {"stacks.yml", "stacks: [{name: web, compose_file: web.yml}]"},
      {"web.yml", "services: {app: {image: 'x$TAG', profiles: [p]}, b: {image: y}}\n"}};
  Compiler compiler("");
  const Compilation refused = compiler.compile(snapshot, nodes({"a"}), std::nullopt);
  REQUIRE(refused.diagnostics.size() == 1);
  CHECK(to_text(refused.diagnostics[0])
            .starts_with("web.yml:1:25: error: stack 'web': variable 'TAG' is not set"));
  CHECK(runs(refused, "a") == "web=-");
  snapshot.file("stacks.yml", "stacks: [{name: web, compose_file: web.yml, unset_variables: warn}]");
  CHECK(runs(compiler.compile(snapshot, nodes({"a"}), std::nullopt), "a") == "web=y");
  snapshot.file("stacks.yml",
                "stacks: [{name: web, compose_file: web.yml, unset_variables: warn, profiles: p}]");
  CHECK(runs(compiler.compile(snapshot, nodes({"a"}), std::nullopt), "a") == "web=x");
}

TEST_CASE("unset variables of the stack's env files follow its rule") {
  const auto with = [](const std::string& rule) {
    const tests::MemorySnapshot snapshot{
        {"stacks.yml", "stacks: [{name: web, compose_file: web.yml, env_file: a.env" + rule + "}]"},
        {"web.yml", image("x:${TAG}1")},
        {"a.env", "TAG=$UNSET\n"}};
    return compile(snapshot, nodes({"a"}));
  };
  CHECK(runs(with(""), "a") == "web=-");
  REQUIRE(with("").diagnostics.size() == 1);
  CHECK(with("").diagnostics[0].location == Location{"a.env", 1, 0});
  CHECK(runs(with(", unset_variables: warn"), "a") == "web=x:1");
}

TEST_CASE("a change of a file that is included or extended compiles the stack anew, others do not") {
  tests::MemorySnapshot snapshot{
      {"stacks.yml", "stacks: [{name: web, compose_file: web/web.yml}]\nnodes: {b: {vars: {V: '2'}}}\n"},
      {"web/web.yml",
       "include: [../inc/inc.yml]\nservices: {app: {extends: {file: ../base.yml, service: base}}}\n"},
      {"inc/inc.yml", "services: {zinc: {image: 'i:${V:-1}'}}\n"},
      {"base.yml", "services: {base: {image: a}}\n"},
      {"other.yml", "x"}};
  Compiler compiler("");
  CHECK(runs(compiler.compile(snapshot, nodes({"a", "b"}), std::nullopt), "a") == "web=a");
  snapshot.file("base.yml", "services: {base: {image: b}}\n");
  CHECK(runs(compiler.compile(snapshot, nodes({"a", "b"}), std::set<std::string>{"base.yml"}), "a") ==
        "web=b");
  snapshot.file("other.yml", "y");
  CHECK(compiler.compile(snapshot, nodes({"a", "b"}), std::set<std::string>{"other.yml"}).compiled == 0);
  snapshot.file("inc/.env", "V=3\n");
  const Compilation made = compiler.compile(snapshot, nodes({"a", "b"}), std::set<std::string>{"inc/.env"});
  CHECK(release(made, "a", "web")->release.services(1).image() == "i:3");
  CHECK(release(made, "b", "web")->release.services(1).image() == "i:2");
}

}  // namespace hivemind::hub
