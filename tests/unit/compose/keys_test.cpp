#include "tests/support/catch.h"
#include "tests/unit/compose/compiling.h"

namespace hivemind::tests {

TEST_CASE("a key that nobody knows is refused with its place and a suggestion") {
  const auto compiled = compile_service("    enviroment: {A: b}\n    something_else: 1\n");
  CHECK(compiled.errors() == "4:5 compose.unknown-key\n5:5 compose.unknown-key");
  CHECK_THAT(compiled.message("compose.unknown-key"), ContainsSubstring("did you mean 'environment'?"));
  CHECK(compile("service:\n  a: {image: x}\n").errors() ==
        "1:1 compose.unknown-key\n1:1 compose.no-services");
}

TEST_CASE("a key of the specification that is not supported says so") {
  const auto compiled = compile_service("    provider: {type: x}\n    credential_spec: {file: x}\n");
  CHECK(compiled.errors() == "4:5 compose.unsupported-key\n5:5 compose.unsupported-key");
  CHECK(compile_service("    use_api_socket: true\n").errors() == "4:21 compose.unsupported-value");
  CHECK(compile_service("    use_api_socket: false\n    isolation: default\n").errors() == "");
  CHECK(compile_service("", "models: {a: {model: b}}\n").errors() == "4:1 compose.unsupported-key");
}

TEST_CASE("a key without a value is refused where the schema wants one") {
  CHECK(compile_service("    labels:\n    healthcheck: {interval: }\n").errors() ==
        "4:5 compose.wrong-type\n5:19 compose.wrong-type");
  CHECK(compile_service("    deploy:\n    command:\n").errors() == "");
}

TEST_CASE("what is for the machine of a developer is checked and ignored") {
  const auto compiled = compile_service(
      "    build: {context: ., args: {A: 1}}\n    develop: {watch: [{path: ., action: rebuild}]}\n    "
      "attach: "
      "false\n");
  CHECK(compiled.errors() == "");
  CHECK(compiled.warnings() ==
        "5:5 compose.ignored-key\n6:5 compose.ignored-key\n4:12 compose.build-ignored");
  CHECK(compile_service("    build: {contxt: .}\n").errors() == "4:13 compose.unknown-key");
  CHECK(compile_service("    develop: {watch: [{path: ., action: sync}]}\n").errors() ==
        "4:23 compose.missing-key");
  CHECK(compile_service("    attach: perhaps\n").errors() == "4:13 compose.wrong-type");
}

TEST_CASE("x- keys are the user's own at every level") {
  const auto compiled = compile_service("    x-a: 1\n    healthcheck: {x-b: 1}\n    deploy: {x-c: {}}\n",
                                        "x-d: [1]\nnetworks:\n  x-e: {}\n");
  CHECK(compiled.errors() == "");
  CHECK(compiled.warnings() == "");
}

TEST_CASE("version and another project name are warned of") {
  const auto compiled = compile("version: '3'\nname: other\nservices: {a: {image: x}}\n");
  CHECK(compiled.warnings() == "1:1 compose.ignored-key\n2:7 compose.project-name");
  CHECK(compile("name: web\nservices: {a: {image: x}}\n").warnings() == "");
}

TEST_CASE("a file that is no Compose file is refused") {
  CHECK(compile("- a\n").errors() == "1:1 compose.wrong-type");
  CHECK(compile("services: [a]\n").errors() == "1:11 compose.wrong-type");
  CHECK(compile("services: {a: nginx}\n").errors() == "1:15 compose.wrong-type");
  CHECK(compile("services: {'a b': {image: x}}\n").errors() == "1:12 compose.invalid-name");
  CHECK(compile("{}\n").errors() == "1:1 compose.no-services");
}

TEST_CASE("diagnostics name the service") {
  const auto compiled = compile_service("    restart: sometimes\n");
  REQUIRE(compiled.diagnostics.size() == 1);
  CHECK(compiled.diagnostics[0].service == "app");
  CHECK(compiled.diagnostics[0].location.file == "web/compose.yml");
}

TEST_CASE("a missing Compose file, and one that is too large, are errors") {
  const auto missing = compile(MemorySnapshot{}, {"web/compose.yml"});
  CHECK(missing.errors() == "0:0 compose.missing-file");
  CHECK(missing.paths.contains("web/compose.yml"));
  CHECK_FALSE(compile(std::string(2u << 20, '#')).errors().empty());
  CHECK(compile(MemorySnapshot{{"web/compose.yml/x", ""}}, {"web/compose.yml"}).errors() ==
        "0:0 compose.missing-file");
}

TEST_CASE("container names are given once") {
  CHECK(compile("services:\n  a: {image: x, container_name: one}\n  b: {image: x, container_name: one}\n")
            .errors() == "3:33 compose.duplicate-container-name");
  CHECK(compile_service("    container_name: a\n").errors() == "4:21 compose.invalid-value");
}

TEST_CASE("the digest depends on content alone") {
  const auto digest = [](const std::string& text) { return compile(text).result->release.digest(); };
  const std::string one =
      digest("services:\n  a: {image: x, user: u}\n  b: {image: x, environment: {A: 1, B: 2}}\n");
  CHECK(one.starts_with("sha256:"));
  CHECK(one == digest("# a comment\nservices:\n  b:\n    environment: [B=2, A=1]\n    image: x\n  a: {user: "
                      "u, image: x}\n"));
  CHECK(one != digest("services:\n  a: {image: x, user: v}\n  b: {image: x, environment: {A: 1, B: 2}}\n"));
}

TEST_CASE("pull policy, replicas and dependencies change the digest but replace no container") {
  const auto before = compile_service("", "  db: {image: a}\n");
  for (const char* line : {"    pull_policy: always\n", "    scale: 2\n", "    depends_on: [db]\n"}) {
    INFO(line);
    const auto after = compile_service(line, "  db: {image: a}\n");
    CHECK(after.service("app").config_hash() == before.service("app").config_hash());
    CHECK(after.result->release.digest() != before.result->release.digest());
  }
}

TEST_CASE("what makes a container changes its hash") {
  const auto before = compile_service("");
  for (const char* line : {"    user: u\n", "    platform: linux/arm64\n", "    network_mode: host\n",
                           "    networks: {default: {aliases: [x]}}\n", "    volumes: ['./data:/data']\n"}) {
    INFO(line);
    const auto after = compile_service(line, "networks: {default: }\n");
    CHECK(after.service("app").config_hash() != before.service("app").config_hash());
  }
}

}  // namespace hivemind::tests
