#include "tests/unit/fleet/loading.h"

namespace hivemind::hub {
namespace {

using tests::ContainsSubstring;

const std::string kStack = "stacks:\n  - name: web\n    compose_file: web.yml\n";

}  // namespace

TEST_CASE("a file with only the four old keys works unchanged") {
  const Fleet read = fleet(
      "stacks:\n"
      "  - name: web\n"
      "    compose_file: web/compose.yml\n"
      "    enabled: false\n"
      "    env_file: web/prod.env\n"
      "  - name: db_1\n"
      "    compose_file: ./db/../db.yml\n");
  REQUIRE(read.stacks.size() == 2);
  CHECK(read.stacks[0].name == "web");
  CHECK(read.stacks[0].location == Location{"stacks.yml", 2, 5});
  CHECK(read.stacks[0].compose_files == std::vector<std::string>{"web/compose.yml"});
  CHECK(read.stacks[0].env_files == std::vector<std::string>{"web/prod.env"});
  CHECK_FALSE(read.stacks[0].enabled);
  CHECK(read.stacks[1].compose_files == std::vector<std::string>{"db.yml"});
  CHECK(read.stacks[1].enabled);
  CHECK(read.stacks[1].nodes.selects({"any-node", {}}));
}

TEST_CASE("every key of the design is read") {
  const Fleet read = fleet(
      "stacks:\n"
      "  - name: web\n"
      "    compose_files: [base.yml, override.yml]\n"
      "    env_file: [a.env, b.env]\n"
      "    nodes: {site: berlin, role: [kiosk, wall], ids: [pi-2, pi-1]}\n"
      "    vars: {GREETING: hello, PORT: 8080, EMPTY: ''}\n"
      "    rollout: careful\n"
      "nodes:\n"
      "  pi-kitchen: {labels: {site: berlin, floor: 2}, vars: {SENSOR: \"7\"}}\n"
      "  pi-bare:\n"
      "rollouts:\n"
      "  careful: {waves: [1, 10%, 50%, 100%], soak: 2m, max_failed: 0, revert: auto}\n");
  const StackEntry& web = read.stacks.at(0);
  CHECK(web.compose_files == std::vector<std::string>{"base.yml", "override.yml"});
  CHECK(web.env_files == std::vector<std::string>{"a.env", "b.env"});
  CHECK(web.nodes.ids == std::vector<std::string>{"pi-1", "pi-2"});
  CHECK(web.nodes.labels.at("site") == std::vector<std::string>{"berlin"});
  CHECK(web.nodes.labels.at("role") == std::vector<std::string>{"kiosk", "wall"});
  CHECK(web.vars == Variables{{"EMPTY", ""}, {"GREETING", "hello"}, {"PORT", "8080"}});
  CHECK(web.rollout == "careful");
  CHECK(read.nodes.at("pi-kitchen").labels == Labels{{"floor", "2"}, {"site", "berlin"}});
  CHECK(read.nodes.at("pi-kitchen").vars == Variables{{"SENSOR", "7"}});
  CHECK(read.nodes.at("pi-bare").labels.empty());
}

TEST_CASE("an empty list of stacks is valid") {
  CHECK(fleet("stacks: []").stacks.empty());
}

TEST_CASE("anchors and keys of one's own may be used") {
  const Fleet read = fleet(
      "x-vars: &vars {A: 1}\n"
      "stacks:\n"
      "  - {name: a, compose_file: a.yml, vars: *vars, x-owner: me}\n"
      "  - {name: b, compose_file: b.yml, vars: {<<: *vars, B: 2}}\n");
  CHECK(read.stacks[1].vars == Variables{{"A", "1"}, {"B", "2"}});
}

TEST_CASE("paths are taken from the directory of stacks.yml, and stay in the repository") {
  Diagnostics diagnostics;
  const tests::MemorySnapshot snapshot{
      {"fleets/prod/stacks.yml",
       "stacks: [{name: web, compose_file: ../shared/web.yml, env_file: prod.env}]"}};
  const auto read = load_fleet(snapshot, "fleets/prod", diagnostics);
  REQUIRE(read.has_value());
  CHECK(read->stacks[0].compose_files == std::vector<std::string>{"fleets/shared/web.yml"});
  CHECK(read->stacks[0].env_files == std::vector<std::string>{"fleets/prod/prod.env"});
  CHECK(read->stacks[0].location.file == "fleets/prod/stacks.yml");
}

TEST_CASE("paths out of the repository are refused") {
  CHECK_THAT(
      one_refusal("stacks:\n  - name: web\n    compose_file: ../web.yml\n"),
      ContainsSubstring("stacks.yml:3:19: error: stack 'web': 'compose_file': path '../web.yml' leaves the "
                        "repository"));
  CHECK_THAT(one_refusal("stacks: [{name: web, compose_file: /etc/passwd}]"),
             ContainsSubstring("is absolute"));
  CHECK_THAT(one_refusal("stacks: [{name: web, compose_file: a.yml, env_file: [../../b]}]"),
             ContainsSubstring("'env_file': path '../../b' leaves"));
  CHECK_THAT(one_refusal("stacks: [{name: web, compose_files: [a.yml, /b]}]"),
             ContainsSubstring("is absolute"));
}

TEST_CASE("a file that is not there is an error") {
  Diagnostics diagnostics;
  CHECK_FALSE(load_fleet(tests::MemorySnapshot{}, "prod", diagnostics).has_value());
  REQUIRE(diagnostics.size() == 1);
  CHECK(to_text(diagnostics[0]) ==
        "prod/stacks.yml: error: the file is not in the repository (add it, or set 'git.path' to its "
        "directory) "
        "[fleet.missing]");
}

TEST_CASE("a file that is a directory, or a link out of the repository, is an error") {
  Diagnostics diagnostics;
  CHECK_FALSE(load_fleet(tests::MemorySnapshot{{"stacks.yml/a", ""}}, "", diagnostics).has_value());
  tests::MemorySnapshot linked;
  linked.symlink("stacks.yml", "../../etc/passwd");
  CHECK_FALSE(load_fleet(linked, "", diagnostics).has_value());
  REQUIRE(diagnostics.size() == 2);
  CHECK(diagnostics[0].message == "it is no file");
  CHECK_THAT(diagnostics[1].message, ContainsSubstring("leaves the repository"));
}

TEST_CASE("a link to the file is followed") {
  Diagnostics diagnostics;
  tests::MemorySnapshot linked{{"prod.yml", kStack}};
  linked.symlink("stacks.yml", "prod.yml");
  CHECK(load_fleet(linked, "", diagnostics).has_value());
}

TEST_CASE("broken YAML and an empty file are refused") {
  CHECK_THAT(one_refusal("stacks: ["), ContainsSubstring("[yaml.syntax]"));
  CHECK(one_refusal("") ==
        "stacks.yml:1:1: error: 'stacks.yml' is given nothing, expected a map [fleet.wrong-type]");
  CHECK_THAT(one_refusal("- a"), ContainsSubstring("is given a list, expected a map"));
}

TEST_CASE("'stacks' has to be there, and to be a list") {
  CHECK(one_refusal("nodes: {}") ==
        "stacks.yml:1:1: error: key 'stacks' is missing (write 'stacks: []' when there are none) "
        "[fleet.missing-key]");
  CHECK(one_refusal("stacks:\n") ==
        "stacks.yml:1:1: error: 'stacks' is given nothing, expected a list (write 'stacks: []' when there "
        "are none) "
        "[fleet.wrong-type]");
  CHECK_THAT(one_refusal("stacks: {web: {}}"), ContainsSubstring("is given a map, expected a list"));
}

TEST_CASE("an unknown key is refused with its place and what was meant") {
  CHECK(one_refusal("stacks: []\nrollout: {}\n") ==
        "stacks.yml:2:1: error: key 'rollout' is not known (did you mean 'rollouts'?) [fleet.unknown-key]");
  CHECK(
      one_refusal(kStack + "    enviroment: {}\n") ==
      "stacks.yml:4:5: error: stack 'web': key 'enviroment' is not known (known are 'name', 'compose_file', "
      "'compose_files', 'env_file', 'enabled', 'nodes', 'vars', 'rollout', 'profiles', 'unset_variables', "
      "'pin') [fleet.unknown-key]");
  CHECK_THAT(one_refusal(kStack + "    enabld: true\n"), ContainsSubstring("(did you mean 'enabled'?)"));
  CHECK_THAT(one_refusal("stacks: []\nnodes: {a: {label: {}}}"),
             ContainsSubstring("(did you mean 'labels'?)"));
  CHECK_THAT(one_refusal("stacks: []\nrollouts: {a: {wave: [1]}}"),
             ContainsSubstring("(did you mean 'waves'?)"));
}

TEST_CASE("profiles are one name or a list, unset variables an error unless the stack says otherwise") {
  const StackEntry plain = fleet(kStack).stacks.front();
  CHECK(plain.profiles.empty());
  CHECK(plain.unset_variables == UnsetVariables::kError);
  const StackEntry one = fleet(kStack + "    profiles: debug\n    unset_variables: warn\n").stacks.front();
  CHECK(one.profiles == std::vector<std::string>{"debug"});
  CHECK(one.unset_variables == UnsetVariables::kWarn);
  const StackEntry two =
      fleet(kStack + "    profiles: [debug, metrics]\n    unset_variables: error\n").stacks.front();
  CHECK(two.profiles == std::vector<std::string>{"debug", "metrics"});
  CHECK(two.unset_variables == UnsetVariables::kError);
  CHECK(one_refusal(kStack + "    unset_variables: ignore\n") ==
        "stacks.yml:4:22: error: stack 'web': 'unset_variables' is 'ignore'; expected 'error' or 'warn' "
        "[fleet.unset-variables]");
  CHECK_THAT(one_refusal(kStack + "    profiles: {a: b}\n"),
             ContainsSubstring("'profiles' is given a map, expected a string or a list of strings"));
}

TEST_CASE("names of stacks are checked and unique") {
  CHECK(one_refusal(kStack + "  - name: web\n    compose_file: b.yml\n") ==
        "stacks.yml:4:11: error: stack 'web': name 'web' is already taken at line 2 (names of stacks are "
        "unique) "
        "[fleet.duplicate-stack]");
  for (const std::string name : {"Web", "-web", "a b", "a/b", "a.b", "\"\""}) {
    INFO(name);
    CHECK_THAT(one_refusal("stacks: [{name: " + name + ", compose_file: a.yml}]"),
               ContainsSubstring("is no name for a stack"));
  }
  CHECK_THAT(one_refusal("stacks: [{compose_file: a.yml}]"), ContainsSubstring("a stack has no 'name'"));
  CHECK_THAT(one_refusal("stacks: [{name: [a], compose_file: a.yml}]"),
             ContainsSubstring("'name' is given a list"));
}

TEST_CASE("a stack has either one Compose file or several") {
  CHECK_THAT(one_refusal("stacks: [{name: a}]"),
             ContainsSubstring("stack 'a': the stack has no 'compose_file'"));
  CHECK_THAT(one_refusal("stacks: [{name: a, compose_file: a, compose_files: [b]}]"),
             ContainsSubstring("'compose_file' and 'compose_files' exclude each other"));
  CHECK_THAT(one_refusal("stacks: [{name: a, compose_file: [a]}]"),
             ContainsSubstring("use 'compose_files' for several"));
  CHECK_THAT(one_refusal("stacks: [{name: a, compose_files: a}]"), ContainsSubstring("expected a list"));
  CHECK_THAT(one_refusal("stacks: [{name: a, compose_files: []}]"),
             ContainsSubstring("expected at least one entry"));
}

TEST_CASE("values of wrong types are refused") {
  CHECK(
      one_refusal(kStack + "    enabled: yes\n") ==
      "stacks.yml:4:14: error: stack 'web': 'enabled' is given the string 'yes', expected 'true' or 'false' "
      "[fleet.wrong-type]");
  CHECK_THAT(one_refusal("stacks: [web]"), ContainsSubstring("expected a map"));
  CHECK_THAT(one_refusal(kStack + "    vars: [A=1]\n"),
             ContainsSubstring("'vars' is given a list, expected a map"));
  CHECK_THAT(one_refusal(kStack + "    vars: {A: }\n"), ContainsSubstring("write \"\" for an empty one"));
  CHECK_THAT(one_refusal(kStack + "    vars: {A: [1]}\n"), ContainsSubstring("'A' is given a list"));
  CHECK_THAT(one_refusal(kStack + "    vars: {1A: x}\n"), ContainsSubstring("'1A' is no variable name"));
  CHECK_THAT(one_refusal(kStack + "    env_file: {a: b}\n"),
             ContainsSubstring("a string or a list of strings"));
  CHECK_THAT(one_refusal("stacks: []\nnodes: [a]"), ContainsSubstring("'nodes' is given a list"));
  CHECK_THAT(one_refusal("stacks: []\nnodes: {a: {labels: {k: }}}"),
             ContainsSubstring("'k' is given nothing"));
}

TEST_CASE("node ids and labels under 'nodes' are checked") {
  CHECK_THAT(one_refusal("stacks: []\nnodes: {Pi: {}}"),
             ContainsSubstring("stacks.yml:2:9: error: 'Pi' is no node id"));
  CHECK_THAT(one_refusal("stacks: []\nnodes: {pi: {labels: {-x: y}}}"),
             ContainsSubstring("'-x' is no label"));
}

TEST_CASE("all errors of a file are told at once") {
  CHECK(refusal("stacks:\n  - name: A\n    compose_file: ../x\n    enabled: 1\n  - name: b\n    what: 1\n")
            .size() == 5);
}

TEST_CASE("variables and labels of ten thousand nodes fit") {
  std::string text = "stacks: []\nnodes:\n";
  for (int i = 0; i < 10'000; ++i) {
    text += "  node-" + std::to_string(i) + ": {labels: {site: s" + std::to_string(i) +
            ", role: kiosk}, vars: {N: x}}\n";
  }
  CHECK(fleet(text).nodes.size() == 10'000);
}

TEST_CASE("nodes are named by their entries and by the ids of selectors") {
  const Fleet read = fleet(
      "stacks: [{name: web, compose_file: a.yml, nodes: {ids: [c, a]}}, {name: db, compose_file: a.yml}]\n"
      "nodes: {b: {}, a: {}}\n");
  CHECK(named_nodes(read) == std::set<std::string>{"a", "b", "c"});
}

}  // namespace hivemind::hub
